"""The API that clients of OpenAI's know: chat completions, responses, models."""
