#!/bin/sh
# Makes the certificates of a Dask cluster, in a new directory; it needs OpenSSL 3.
#
#   sh certificates.sh certificates
#
# Scheduler, worker and client get a key and a certificate each, signed by an authority that is made for this
# cluster. Whoever has one of these keys can run any program on the workers, because Dask compares no names:
# it accepts every certificate of the authority. So that key is deleted, and nobody can sign another one. Before
# they expire, and when one may have been copied, make them all anew and start the cluster again.
set -eu
umask 077
days=365
mkdir "$1"
cd "$1"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days $days \
    -subj "/CN=authority of a Dask cluster" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
    -keyout authority.key -out authority.pem
for role in scheduler worker client; do
    openssl req -x509 -CA authority.pem -CAkey authority.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
        -days $days -subj "/CN=$role" \
        -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" \
        -addext "extendedKeyUsage=serverAuth,clientAuth" -addext "subjectAltName=DNS:$role" \
        -keyout $role.key -out $role.pem
done
rm authority.key
