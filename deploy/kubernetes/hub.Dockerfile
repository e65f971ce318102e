# The hub for the chart: it starts students' pods, and holds nothing of the course. The chart's own image has another
# JupyterHub than the servers; here all are the one of requirements-hub.txt.
ARG PYTHON=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
FROM ${PYTHON}

COPY requirements.txt requirements-hub.txt /tmp/
RUN pip install --no-cache-dir --constraint /tmp/requirements.txt --constraint /tmp/requirements-hub.txt \
        jupyterhub jupyterhub-idle-culler jupyterhub-ltiauthenticator \
        jupyterhub-kubespawner==7.1.0 kubernetes-asyncio==36.1.0 pycurl==7.49.0 \
    && useradd --uid 1000 --create-home hub

COPY deploy/nbseal_hub /opt/nbseal/nbseal_hub
ENV PYTHONPATH=/opt/nbseal

USER 1000
WORKDIR /srv/jupyterhub
CMD ["jupyterhub", "--config", "/usr/local/etc/jupyterhub/jupyterhub_config.py"]
