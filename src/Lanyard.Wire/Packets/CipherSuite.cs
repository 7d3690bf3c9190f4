using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>The protection of a packet: the three cipher bits of its flags. Values 4 to 7 are unassigned.</summary>
public enum CipherSuite : byte
{
    /// <summary>Authenticated with Poly1305, not encrypted. For HELLO, which contains the public keys, and for path measurements.</summary>
    Poly1305 = 0,

    /// <summary>Encrypted with Salsa20/12, authenticated with Poly1305. All nodes support it.</summary>
    Salsa2012Poly1305 = 1,

    /// <summary>Neither encrypted nor authenticated: the MAC field contains the number of a path that both ends are configured to trust.</summary>
    TrustedPath = 2,

    /// <summary>AES-GMAC-SIV. Nodes from protocol version 12 on support it.</summary>
    AesGmacSiv = 3,
}

/// <summary>Selects the suite to send with.</summary>
public static class CipherSuites
{
    /// <summary>The first protocol version that supports <see cref="CipherSuite.AesGmacSiv"/>.</summary>
    public const int FirstProtocolWithAes = 12;

    /// <summary>Returns the suite with which nodes send a verb.</summary>
    /// <param name="verb">The verb of the packet.</param>
    /// <param name="peerProtocol">The protocol version of the receiver; 0 if it is unknown.</param>
    public static CipherSuite For(Verb verb, int peerProtocol) => verb switch
    {
        Verb.Hello or Verb.Ack or Verb.QosMeasurement or Verb.PathNegotiationRequest => CipherSuite.Poly1305,
        _ => peerProtocol >= FirstProtocolWithAes ? CipherSuite.AesGmacSiv : CipherSuite.Salsa2012Poly1305,
    };
}
