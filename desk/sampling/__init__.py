"""What the sample office is made of: stories, their pictures, and the other files of a desk."""
