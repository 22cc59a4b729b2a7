"""The iWF server: its client-facing API over a `WorkflowService`, behind a gate that every request passes."""
