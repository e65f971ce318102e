# The server of one student or instructor, from Compose's image, with the exchange over HTTP. Build nbseal-hub-kubernetes
# and nbseal-student first.
FROM nbseal-hub-kubernetes:0.1.0 AS configuration

USER 0
COPY deploy/kubernetes/hub.toml /tmp/hub.toml
RUN python -m nbseal_hub.kubernetes /tmp/hub.toml
USER 1000

FROM nbseal-student:0.1.0

# the client pins an old jupyter-core that it doesn't need
RUN pip install --no-cache-dir --no-deps ngshare-exchange==0.5.3 \
    && useradd --uid 1000 --no-create-home --home-dir /home/student student
COPY --from=configuration /srv/jupyterhub/jupyter/student /srv/jupyterhub/jupyter/student
COPY --from=configuration /srv/jupyterhub/jupyter/instructor /srv/jupyterhub/jupyter/instructor

# no shared volume, so no number of one's own; the entry point that gives one would need rights
USER 1000
ENTRYPOINT []
CMD ["jupyterhub-singleuser"]
