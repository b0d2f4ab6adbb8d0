"""The REST API, version 1: JSON in and out, one view a call, every refusal as a problem document."""
