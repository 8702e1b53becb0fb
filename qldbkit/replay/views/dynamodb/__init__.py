"""A journal's documents as items of a DynamoDB table."""
