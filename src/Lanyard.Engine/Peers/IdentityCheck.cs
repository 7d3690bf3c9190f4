using System.Buffers;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>One pending identity check: key agreement, authentication of the HELLO, and the memory-hard hash of the address, which takes milliseconds.</summary>
internal sealed class IdentityCheck : NodeWork
{
    private readonly IdentityChecks _checks;
    private readonly Identity _own;
    private readonly Func<Identity, bool>? _validate;
    private byte[]? _packet;
    private int _length;

    /// <param name="checks">The receiver of the result.</param>
    /// <param name="own">This node's identity.</param>
    /// <param name="identity">The identity in question.</param>
    /// <param name="validate">Verifies that the address matches its hash; null to skip it.</param>
    /// <param name="key">The session key if already agreed; null to agree on one.</param>
    public IdentityCheck(IdentityChecks checks, Identity own, Identity identity, Func<Identity, bool>? validate, SessionKey? key = null)
    {
        _checks = checks;
        Key = key;
        _own = own;
        _validate = validate;
        Identity = identity;
    }

    private protected override void RunCore()
    {
        var key = Key;
        if (key is null && (!SessionKey.TryAgree(_own, Identity, out key) || (_packet is not null && !key.TryDearmor(Packet))))
            Outcome = IdentityCheckOutcome.BadMac;
        else
            Outcome = _validate is null || _validate(Identity) ? IdentityCheckOutcome.Valid : IdentityCheckOutcome.InvalidAddress;
        if (Outcome == IdentityCheckOutcome.Valid)
            Key = key;
        else
            key?.Dispose();
    }

    internal override void Complete(long nowMs) => _checks.Complete(nowMs, this);

    /// <summary>The identity to check.</summary>
    public Identity Identity { get; }

    /// <summary>The local socket that received the HELLO.</summary>
    public int LocalSocket { get; private set; }

    /// <summary>The source endpoint of the HELLO.</summary>
    public InetEndpoint Endpoint { get; private set; }

    /// <summary>Whether the sender must prove its source endpoint before the hash is computed.</summary>
    public bool IsChallenge { get; init; }

    /// <summary>The prospective peer that answered a challenge; null if there was none.</summary>
    public Peer? Candidate { get; init; }

    /// <summary>The peer's state saved before a restart; null for a new peer.</summary>
    public PeerState? Saved { get; init; }

    public IdentityCheckOutcome Outcome { get; private set; }

    /// <summary>The session key; set when the identity is valid.</summary>
    public SessionKey? Key { get; private set; }

    /// <summary>The HELLO that carries the identity; empty for an identity from a WHOIS answer.</summary>
    public Span<byte> Packet => _packet.AsSpan(0, _length);

    /// <summary>Attaches a copy of the HELLO that carries the identity.</summary>
    public IdentityCheck WithHello(int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet)
    {
        (LocalSocket, Endpoint) = (localSocket, endpoint);
        _packet = ArrayPool<byte>.Shared.Rent(packet.Length);
        _length = packet.Length;
        packet.CopyTo(_packet);
        return this;
    }

    /// <summary>Returns the copy of the HELLO to the pool.</summary>
    public void Release()
    {
        if (_packet is not null)
            ArrayPool<byte>.Shared.Return(_packet);
        _packet = null;
        _length = 0;
    }
}

/// <summary>The outcome of an identity check.</summary>
internal enum IdentityCheckOutcome
{
    /// <summary>The check has not run.</summary>
    Pending,

    /// <summary>The identity is valid.</summary>
    Valid,

    /// <summary>Key agreement failed, or the HELLO is not authentic.</summary>
    BadMac,

    /// <summary>The address does not match the hash of the public key.</summary>
    InvalidAddress,
}
