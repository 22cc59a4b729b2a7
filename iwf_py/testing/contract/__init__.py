"""The contract suite: what every host promises, told by workflows that users could have written."""
