"""What tests stand on: real servers, fresh databases, a post box, a fence around the network."""
