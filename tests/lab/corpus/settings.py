"""Ten ways to set up sshd and ten to set up TLS, on which wizara's judgement is held beside the judges of the trade."""

from __future__ import annotations

from corpus.first import Host
from corpus.papers import Authority
from corpus.second import TLS, nginx, s_server, sshd

#: last → sshd, from the strictest to the most careless
SSHD: dict[int, Host] = {
    11: sshd(),
    12: sshd("KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1"),
    13: sshd("KexAlgorithms diffie-hellman-group-exchange-sha1,ecdh-sha2-nistp256"),
    14: sshd("Ciphers 3des-cbc,aes256-cbc"),
    15: sshd("Ciphers chacha20-poly1305@openssh.com,aes128-gcm@openssh.com"),
    16: sshd("MACs hmac-sha1,hmac-md5-96,umac-64@openssh.com"),
    17: sshd("MACs hmac-sha2-512"),
    18: sshd("HostKey /etc/ssh/k_rsa", "HostKeyAlgorithms ssh-rsa,rsa-sha2-256,rsa-sha2-512"),
    19: sshd("HostKey /etc/ssh/k_rsa", "HostKeyAlgorithms rsa-sha2-512"),
    20: sshd("KexAlgorithms diffie-hellman-group14-sha256,diffie-hellman-group16-sha512", "Ciphers aes128-cbc,aes128-ctr", "MACs hmac-md5,hmac-sha2-256"),
}  # fmt: skip


def tls(authority: Authority) -> dict[int, Host]:
    """Return last → TLS server."""
    papers, low = authority.papers, ":@SECLEVEL=0"
    return {
        11: nginx(TLS, papers("a.min.test")),
        12: s_server(papers("b.min.test"), "-tls1_3"),
        13: s_server(papers("c.min.test"), "-tls1_2", "-cipher", "ECDHE+AESGCM"),
        14: s_server(papers("d.min.test"), "-tls1", "-cipher", "AES128-SHA" + low),
        15: s_server(papers("e.min.test"), "-tls1_1", "-cipher", "AES256-SHA" + low),
        16: s_server(papers("f.min.test", authority.key(1024)), "-cipher", "ALL" + low),
        17: s_server(papers("g.min.test", days=-3)),
        18: s_server(papers("h.min.test", alone=True)),
        19: s_server(papers("i.min.test"), "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:NULL-SHA256:NULL-SHA" + low),
        20: s_server(papers("j.min.test", authority.key(4096)), "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:AECDH-AES256-SHA" + low),
    }  # fmt: skip
