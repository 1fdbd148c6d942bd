"""The portal over HTTP: connection, token, quota, cached small answers, and pages of history."""
