"""What people see of a result: tables for a terminal, documents for programs."""
