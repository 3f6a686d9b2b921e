"""Azure ML's control plane on one machine: spoken to by the unmodified SDK, honest about gaps."""
