# The README's two commands: building the image runs the first, running it the second.
#   docker build -t convlab . && docker run --rm convlab
FROM python:3.13
WORKDIR /convlab
COPY . .
RUN python3 -m venv .venv && . .venv/bin/activate && pip install -e ".[test]" && convlab train
ENV PATH=/convlab/.venv/bin:$PATH
CMD ["pytest", "-n", "auto"]
