# The gateway as an image: docker build --tag forecourt .

FROM node:24-slim AS page
WORKDIR /source/gateway/pages/graphiql/page
COPY gateway/pages/graphiql/page/package.json gateway/pages/graphiql/page/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY gateway/pages/graphiql/page ./
RUN npm run build

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/forecourt
ENV PATH=/opt/forecourt/bin:$PATH
WORKDIR /source
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY permissions permissions
COPY connectors connectors
COPY resolvers resolvers
COPY schema schema
COPY gateway gateway
COPY --from=page /source/gateway/pages/graphiql/dist gateway/pages/graphiql/dist
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
COPY --from=build /opt/forecourt /opt/forecourt
# The one folder the gateway may write to, and only when it keeps its data in SQLite.
RUN install --directory --owner=10001 --group=10001 /var/lib/forecourt
WORKDIR /var/lib/forecourt
USER 10001:10001
ENV PATH=/opt/forecourt/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FORECOURT_HOST=0.0.0.0 \
    FORECOURT_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; door = http.client.HTTPConnection('127.0.0.1', int(os.environ['FORECOURT_PORT']), timeout=2); door.request('GET', '/health/live'); sys.exit(door.getresponse().status != 200)"]
ENTRYPOINT ["forecourt"]
CMD ["serve"]
