using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine;

/// <summary>
/// Queues pending identity checks within budgets. Checks for this node's own needs come first. Strangers share one budget, limited by source prefix. When it is
/// exhausted, a stranger is challenged: the node does the cheap half of the check, answers the HELLO, and sends an ECHO. The OK proves that the source address was
/// not forged, and the rest of the check then counts against a second budget that forged addresses cannot spend. HELLOs relayed by roots have a separate budget.
/// </summary>
internal sealed class IdentityChecks
{
    private const int MaxOwn = 512;
    private const int MaxStrangers = 64;
    private const int PrefixBurst = 16;
    private const long PrefixIntervalMs = 125;
    private const int RelayedBurst = 32;
    private const int MsPerSecond = 1_000;
    private const int MaxAgreements = 256;

    // A key agreement costs a fiftieth of a whole check.
    private const int AgreementsPerCheck = 20;

    // Peers known before a restart need a key agreement but no hash.
    private const int SavedBurst = 4_096;
    private const int SavedPerSecond = 4_000;

    private readonly Node _node;
    private readonly PrefixLimiter _prefixes;
    private readonly PrefixLimiter _provenPrefixes;
    private readonly Challenges _challenges;
    private readonly Queue<IdentityCheck> _own = new();
    private readonly Queue<IdentityCheck> _strangers = new();
    private readonly Queue<IdentityCheck> _agreements = new();
    private readonly HashSet<Identity> _pending = [];
    private TokenBucket _direct;
    private TokenBucket _proven;
    private TokenBucket _relayed;
    private TokenBucket _agreed;
    private TokenBucket _saved = new(SavedBurst, MsPerSecond, SavedPerSecond);

    public IdentityChecks(Node node)
    {
        _node = node;
        _challenges = new Challenges(node);
        _prefixes = new PrefixLimiter(PrefixBurst, PrefixIntervalMs, node.Secrets.TableKey);
        _provenPrefixes = new PrefixLimiter(PrefixBurst, PrefixIntervalMs, node.Secrets.TableKey);
        var perSecond = Math.Max(node.Options.MaxIdentityChecksPerSecond, 1);
        var burst = Math.Max(perSecond, PrefixBurst);
        _direct = new TokenBucket(burst, MsPerSecond, perSecond);
        _proven = new TokenBucket(burst, MsPerSecond, perSecond);
        _relayed = new TokenBucket(RelayedBurst, MsPerSecond, Math.Max(perSecond / 2, 1));
        _agreed = new TokenBucket(burst * AgreementsPerCheck, MsPerSecond, perSecond * AgreementsPerCheck);
    }

    public bool IsEmpty => _own.Count == 0 && _strangers.Count == 0 && _agreements.Count == 0;

    /// <summary>Whether a check of this identity is queued or running.</summary>
    public bool IsPending(Identity identity) => _pending.Contains(identity);

    /// <summary>Queues the check of a HELLO's identity. Returns false if a budget or queue is exhausted.</summary>
    public bool TryAddHello(long nowMs, Identity identity, PeerState? saved, bool isRelayed, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet)
    {
        IdentityCheck? check = null;
        var queue = _own;
        if (saved is not null)
        {
            if (_saved.TryTake(nowMs))
                check = new IdentityCheck(this, _node.Identity, identity, validate: null) { Saved = saved };
        }
        else if (isRelayed)
        {
            queue = _strangers;
            if (_relayed.TryTake(nowMs))
                check = new IdentityCheck(this, _node.Identity, identity, _node.Options.ValidateIdentity);
        }
        else if (_challenges.TryRepeat(nowMs, identity, endpoint))
        {
            return true;
        }
        else if (_prefixes.TryTake(nowMs, endpoint.Address) && (_node.Whois.IsWanted(identity.Address) || _direct.TryTake(nowMs)))
        {
            // The sender of a wanted address may be an impostor: the prefix budget still applies.
            queue = _node.Whois.IsWanted(identity.Address) ? _own : _strangers;
            check = new IdentityCheck(this, _node.Identity, identity, _node.Options.ValidateIdentity);
        }
        else if (_agreed.TryTake(nowMs))
        {
            queue = _agreements;
            check = new IdentityCheck(this, _node.Identity, identity, validate: null) { IsChallenge = true };
        }

        return check is not null && TryAdd(queue, check.WithHello(localSocket, endpoint, packet));
    }

    /// <summary>Queues the check of an identity from a root's WHOIS answer.</summary>
    public void AddTold(Identity identity, bool isWanted)
    {
        if (!_pending.Contains(identity)
            && !TryAdd(isWanted ? _own : _strangers, new IdentityCheck(this, _node.Identity, identity, _node.Options.ValidateIdentity)))
            _node.Counters.Drop(DropReason.RateLimited);
    }

    /// <summary>Queues the key agreement with a peer known before a restart, after a packet from it arrived.</summary>
    public void AddSaved(long nowMs, PeerState saved)
    {
        if (!_pending.Contains(saved.Identity) && _saved.TryTake(nowMs))
            TryAdd(_own, new IdentityCheck(this, _node.Identity, saved.Identity, validate: null) { Saved = saved });
    }

    /// <summary>Handles a packet from an unknown sender if it answers a challenge. Returns false if it does not.</summary>
    public bool TryReceiveAnswer(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (!_challenges.TryAnswer(nowMs, localSocket, endpoint, bytes, packet, out var candidate))
            return false;
        if (!_pending.Contains(candidate.Identity) && _provenPrefixes.TryTake(nowMs, endpoint.Address) && _proven.TryTake(nowMs)
            && TryAdd(_own, new IdentityCheck(this, _node.Identity, candidate.Identity, _node.Options.ValidateIdentity, candidate.Key) { Candidate = candidate }))
            _node.Waiting.Add(nowMs, candidate.Address, localSocket, endpoint, bytes, isAuthenticated: true);
        else
            _node.Counters.Drop(DropReason.RateLimited);
        return true;
    }

    /// <summary>Whether a challenge to this node at this endpoint is pending.</summary>
    public bool IsChallenged(NodeAddress address, in InetEndpoint endpoint) => _challenges.Contains(address, endpoint);

    public bool TryTake([NotNullWhen(true)] out NodeWork? work)
    {
        var found = _own.TryDequeue(out var check) || _agreements.TryDequeue(out check) || _strangers.TryDequeue(out check);
        work = check;
        return found;
    }

    public void Complete(long nowMs, IdentityCheck check)
    {
        _pending.Remove(check.Identity);
        switch (check.Outcome)
        {
            case IdentityCheckOutcome.Valid when check.IsChallenge:
                _challenges.Send(nowMs, check);
                break;
            case IdentityCheckOutcome.Valid:
                Accept(nowMs, check);
                break;
            case IdentityCheckOutcome.InvalidAddress:
                _node.Counters.Drop(DropReason.InvalidIdentity);
                break;
            default:
                _node.Counters.Drop(DropReason.BadMac);
                break;
        }

        check.Release();
    }

    private bool TryAdd(Queue<IdentityCheck> queue, IdentityCheck check)
    {
        var capacity = ReferenceEquals(queue, _own) ? MaxOwn : ReferenceEquals(queue, _strangers) ? MaxStrangers : MaxAgreements;
        if (queue.Count >= capacity)
        {
            check.Release();
            return false;
        }

        _pending.Add(check.Identity);
        queue.Enqueue(check);
        return true;
    }

    private void Accept(long nowMs, IdentityCheck check)
    {
        var peer = _node.Topology.FindKnown(check.Identity.Address);
        if (peer is not null && !peer.Identity.Equals(check.Identity))
        {
            // The first holder of an address keeps it.
            _node.Counters.Drop(DropReason.IdentityCollision);
            if (!check.Packet.IsEmpty)
                _node.HelloVerb.RefuseCollision(nowMs, check);
            return;
        }

        peer ??= _node.Topology.Add(nowMs, check.Candidate ?? _node.Topology.NewPeer(check.Identity, check.Key!), check.Saved);
        if (!check.Packet.IsEmpty)
            _node.HelloVerb.ReceiveChecked(nowMs, peer, check);
        _node.PeerBecameKnown(nowMs, peer);

        // The answer to the challenge was kept: it confirms the path.
        if (check.Candidate is not null)
            _node.Waiting.Retry(nowMs, peer.Address, authenticated: true);
    }
}
