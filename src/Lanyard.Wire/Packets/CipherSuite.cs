using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>How a packet is protected: the three cipher bits of its flags. Values 4 to 7 are unassigned.</summary>
public enum CipherSuite : byte
{
    /// <summary>Poly1305 authenticates, nothing is encrypted. For HELLO, which carries the key, and for path measurements.</summary>
    Poly1305 = 0,

    /// <summary>Salsa20/12 encrypts, Poly1305 authenticates. All nodes understand it.</summary>
    Salsa2012Poly1305 = 1,

    /// <summary>Neither: the MAC field holds the number of a path that both ends were told to trust.</summary>
    TrustedPath = 2,

    /// <summary>AES-GMAC-SIV. Nodes from protocol version 12 on understand it.</summary>
    AesGmacSiv = 3,
}

/// <summary>Which suite to send with.</summary>
public static class CipherSuites
{
    /// <summary>The first protocol version that understands <see cref="CipherSuite.AesGmacSiv"/>.</summary>
    public const int FirstProtocolWithAes = 12;

    /// <summary>The suite that nodes in the field send a verb with.</summary>
    /// <param name="verb">The verb of the packet.</param>
    /// <param name="peerProtocol">The protocol version of the receiver, 0 where it is not known yet.</param>
    public static CipherSuite For(Verb verb, int peerProtocol) => verb switch
    {
        Verb.Hello or Verb.Ack or Verb.QosMeasurement or Verb.PathNegotiationRequest => CipherSuite.Poly1305,
        _ => peerProtocol >= FirstProtocolWithAes ? CipherSuite.AesGmacSiv : CipherSuite.Salsa2012Poly1305,
    };
}
