"""The cattrs converters that the codec is built on."""
