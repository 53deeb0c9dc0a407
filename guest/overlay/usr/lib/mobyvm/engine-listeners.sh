# shellcheck shell=sh
# The one place that says where dockerd listens and how it is secured. To be sourced, after network.sh and configuration.sh.

ENGINE_SOCKET=/var/run/docker.sock
ENGINE_TLS_FOLDER=${ENGINE_TLS_FOLDER:-/run/mobyvm/tls}

engine_has_tls() {
	[ -s "$ENGINE_TLS_FOLDER/ca.pem" ] && [ -s "$ENGINE_TLS_FOLDER/server.pem" ] && [ -s "$ENGINE_TLS_FOLDER/server-key.pem" ]
}

# How dockerd can be reached from outside:
#   tls     by who has a certificate of the host's authority; there is no plain listener then
#   inside  not at all: the host was to send certificates and has not; a plain listener is not what it wanted
#   plain   the host does not configure its guest
engine_reach() {
	if engine_has_tls; then
		echo tls
	elif configuration_is_expected; then
		echo inside
	else
		echo plain
	fi
}

# engine_listener_arguments REACH ADDRESS
# --tls=false confirms that TLS is off on purpose: otherwise dockerd waits 15 s after its warning. There, the port is protected
# by its address, which only the host's switch reaches, and by protect_engine_port.
engine_listener_arguments() {
	listeners="--host unix://$ENGINE_SOCKET"
	case $1 in
	tls)
		echo "$listeners --host tcp://$2:$ENGINE_TLS_PORT --tlsverify --tlscacert $ENGINE_TLS_FOLDER/ca.pem" \
			"--tlscert $ENGINE_TLS_FOLDER/server.pem --tlskey $ENGINE_TLS_FOLDER/server-key.pem"
		;;
	inside) echo "$listeners" ;;
	plain) echo "$listeners --host tcp://$2:$ENGINE_PORT --tls=false" ;;
	esac
}

# engine_place REACH ADDRESS: where that is, for people
engine_place() {
	case $1 in
	tls) echo "on $2:$ENGINE_TLS_PORT (TLS)" ;;
	inside) echo 'inside the guest only' ;;
	plain) echo "on $2:$ENGINE_PORT" ;;
	esac
}
