"""What is deployed: two stacks, one construct per concern."""
