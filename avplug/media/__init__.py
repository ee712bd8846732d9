"""Reading and writing of clips: containers, frame folders, pictures and sounds."""
