# The image of web, worker, beat, clock and migrate (docker-compose.yml). Build: docker build -t suoshe .
FROM python:3.11-slim AS packages
COPY deploy/requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/suoshe --shell /usr/sbin/nologin suoshe \
 && mkdir -p /srv/suoshe /var/lib/suoshe/media /var/lib/suoshe/beat \
 && chown -R suoshe:suoshe /var/lib/suoshe
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/suoshe
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=suoshe.settings.production \
    SUOSHE_MEDIA_ROOT=/var/lib/suoshe/media \
    SUOSHE_STATIC_ROOT=/srv/suoshe/staticfiles
# Collecting needs settings that load, not settings that serve: the secrets live only in this line.
RUN SUOSHE_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    SUOSHE_IDENTITY_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    SUOSHE_HOSTS=build.invalid DATABASE_URL=postgres://build.invalid/none REDIS_URL=redis://build.invalid \
    python manage.py collectstatic --noinput --verbosity 0
USER suoshe
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "32", "--workers-kill-timeout", "10", "--no-ws", "suoshe.wsgi:application"]
