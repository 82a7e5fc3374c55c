"""What runs inside the box, beside untrusted code: never imported, only sent there as text."""
