"""What the stack's HTTP servers share: shutdown, and certificates of their own."""
