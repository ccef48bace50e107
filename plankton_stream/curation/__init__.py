"""What a lab does with its samples: puts them into projects, deletes a bad one everywhere."""
