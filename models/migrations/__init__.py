"""Database migrations, run by Alembic through Flask-Migrate."""
