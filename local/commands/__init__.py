"""What a person asks of a stack that runs: each command returns what it has to say."""
