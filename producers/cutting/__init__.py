"""Cut frames without the stack: boxes of a folder, a picture of how a frame would be cut."""
