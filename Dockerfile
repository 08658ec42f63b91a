# The one image of the site: web, worker, beat and migrate differ only in their command.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /site

FROM base AS packages
COPY requirements-production.txt ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --requirement requirements-production.txt \
    && /venv/bin/python -m compileall -q /venv

FROM base AS site
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH
COPY . .
# Names that never change their content, with gzip and Brotli beside each file. Needs no secret and no database.
RUN STATIC_FORM=compressed python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q .

# Where beat keeps what it has sent; a new volume takes over this owner.
RUN install -d -o 10001 -g 10001 /schedule

ARG BUILD=unnamed
ENV BUILD=$BUILD \
    TRIALSITE_PROFILE=production \
    HOME=/tmp
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "trialsite.wsgi", "--config", "python:trialsite.web_server"]
