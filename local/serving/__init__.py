"""What every HTTP server of the stack needs: quiet ends, and certificates of its own."""
