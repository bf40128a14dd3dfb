"""Microsoft Entra ID as an identity source."""
