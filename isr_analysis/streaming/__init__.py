"""Live MQTT: messages as they are published, through a read-only subscriber."""
