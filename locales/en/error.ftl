error-title = Something went wrong here
