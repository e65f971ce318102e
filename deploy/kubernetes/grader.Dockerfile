# The formgrader with the sealed engine, from Compose's image, with the exchange over HTTP. The course is on a volume.
# Build nbseal-hub-kubernetes and nbseal-grader first.
FROM nbseal-hub-kubernetes:0.1.0 AS configuration

USER 0
COPY deploy/kubernetes/hub.toml /tmp/hub.toml
RUN python -m nbseal_hub.kubernetes /tmp/hub.toml
USER 1000

FROM nbseal-grader:0.1.0

USER 0
# the client pins an old jupyter-core that it doesn't need
RUN pip install --no-cache-dir --no-deps ngshare-exchange==0.5.3
COPY --from=configuration /srv/jupyterhub/jupyter/grader /srv/jupyterhub/jupyter/grader
USER 10000
