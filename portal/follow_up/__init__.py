"""What partners do with a lead: accept, decline, touches, feedback, deals."""
