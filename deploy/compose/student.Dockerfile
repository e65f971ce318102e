# The server of one student or instructor: JupyterLab with nbgrader's tools. No grader, no solution, no sealed engine.
ARG PYTHON=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
FROM ${PYTHON}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git=1:2.39.* \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt requirements-cloud.txt requirements-hub.txt /tmp/
RUN pip install --no-cache-dir \
        --constraint /tmp/requirements.txt --constraint /tmp/requirements-cloud.txt --constraint /tmp/requirements-hub.txt \
        jupyterhub jupyterlab nbgitpuller nbgrader notebook \
        matplotlib numpy opencv-python-headless pandas scikit-learn \
        azure-ai-vision-imageanalysis boto3 google-cloud-vision starlette tenacity uvicorn

# the exchange, and the number that an account has in every container
COPY deploy/nbseal_hub/__init__.py deploy/nbseal_hub/exchange.py deploy/nbseal_hub/handed_in.py deploy/nbseal_hub/numbers.py \
     /usr/local/lib/python3.11/site-packages/nbseal_hub/
COPY --chmod=755 deploy/compose/student-entrypoint.sh /usr/local/bin/student-entrypoint.sh

ENV HOME=/home/student SHELL=/bin/bash
WORKDIR /home/student
ENTRYPOINT ["student-entrypoint.sh"]
CMD ["jupyterhub-singleuser"]
