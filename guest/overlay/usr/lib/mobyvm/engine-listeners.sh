# shellcheck shell=sh
# The one place that says where dockerd listens and how it is secured. To be sourced, after network.sh.

ENGINE_SOCKET=/var/run/docker.sock

# engine_listener_arguments ADDRESS
# --tls=false says that the missing TLS is meant: dockerd would otherwise wait 15 s to frighten us. What stands guard is
# the address, which only the host's switch reaches, and protect_engine_port.
engine_listener_arguments() {
	echo "--host unix://$ENGINE_SOCKET --host tcp://$1:$ENGINE_PORT --tls=false"
}
