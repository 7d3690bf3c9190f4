using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

public sealed partial class NetworkController
{
    private const string TokenPrefix = "token:";

    // How many unknown nodes may be newly recorded at once, and when that was last worked out.
    private double _strangerTokens;
    private long _strangerTokensMs;

    /// <summary>
    /// Answers NETWORK_CONFIG_REQUEST. A member gets its configuration; a node that is not authorized is recorded, so that somebody can
    /// authorize it, and refused; a member that asks again within <see cref="ControllerLimits.MinRequestInterval"/> gets nothing.
    /// </summary>
    public ControllerReply HandleRequest(ConfigRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var identity = request.Requester.ToString();
        ConfigSource? source;
        ControllerReason reason;
        lock (_lock)
        {
            reason = Decide(request, identity, out source);
            Count(reason);
        }

        RaiseMessagesWaiting();
        if (reason is ControllerReason.NotOurNetwork or ControllerReason.TooSoon)
            return new ControllerReply(reason, null);
        var refusal = reason == ControllerReason.NoSuchNetwork ? ControllerMessageKind.NotFound : ControllerMessageKind.AccessDenied;
        return new ControllerReply(reason, MessageTo(request.Requester.Address, request.Network, source, refusal, request.PacketId));
    }

    // The configuration that a source describes, signed; or a refusal where there is no source.
    private ControllerMessage MessageTo(NodeAddress member, NetworkId network, ConfigSource? source, ControllerMessageKind refusal, ulong inReplyTo)
    {
        var config = source is null ? null : ConfigBuilder.Build(source, _identity);
        return new ControllerMessage
        {
            To = member,
            Network = network,
            Kind = config is null ? refusal : ControllerMessageKind.Config,
            Config = config,
            InReplyTo = inReplyTo,
        };
    }

    private ControllerReason Decide(ConfigRequest request, string identity, out ConfigSource? source)
    {
        var (nowMs, requester, _, id, _, _) = request;
        source = null;
        if (id.Controller != Address)
            return ControllerReason.NotOurNetwork;
        if (!_networks.TryGetValue(id, out var network))
            return ControllerReason.NoSuchNetwork;
        var member = network.Members.GetValueOrDefault(requester.Address);
        // Before the rate is looked at, so that an impostor does not use up the member's.
        if (member?.Record.Identity is { } known && known != identity)
            return ControllerReason.IdentityMismatch;
        if (member?.LastRequestMs is { } last && nowMs >= last && nowMs - last < Limits.MinRequestInterval.TotalMilliseconds)
            return ControllerReason.TooSoon;

        var said = NetworkRequestMetadata.Parse(request.Metadata.Span);
        var record = member?.Record ?? new MemberRecord { Network = id, Address = requester.Address, CreationTimeMs = nowMs };
        record = Admit(network.Record, record with { Identity = identity }, said, nowMs);
        if (member is null && MakeRoom(network, record, nowMs) is { } refusal)
            return refusal;
        if (record.IsAuthorized)
            record = Provide(network, record, said);
        member = Store(network, member, record);
        member.LastRequestMs = nowMs;
        member.LastEndpoint = request.Endpoint;
        member.LastPacketId = request.PacketId;
        member.Metadata = said;
        member.Identity = requester;
        member.HasConfig = record.IsAuthorized;
        network.Touch(member);
        if (!record.IsAuthorized)
            return ControllerReason.NotAuthorized;
        source = SourceOf(network, member, nowMs);
        return ControllerReason.Member;
    }

    /// <summary>The record, authorized if the network is public or the node shows a token of the network's.</summary>
    private static MemberRecord Admit(NetworkRecord network, MemberRecord member, NetworkRequestMetadata said, long nowMs)
    {
        if (member.IsAuthorized)
            return member;
        if (!network.IsPrivate)
            return Authorized(member, nowMs, "public", null);
        if (!said.AuthToken.StartsWith(TokenPrefix, StringComparison.Ordinal))
            return member;
        var shown = MemoryMarshal.AsBytes(said.AuthToken.AsSpan(TokenPrefix.Length));
        foreach (var (token, expires) in network.AuthTokens ?? default)
        {
            if (CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(token.AsSpan()), shown) && (expires == 0 || expires > nowMs))
                return Authorized(member, nowMs, "token", token);
        }

        return member;
    }

    private static MemberRecord Authorized(MemberRecord member, long nowMs, string credentialType, string? credential) => member with
    {
        IsAuthorized = true,
        LastAuthorizedTimeMs = nowMs,
        LastAuthorizedCredentialType = credentialType,
        LastAuthorizedCredential = credential,
    };

    /// <summary>Notes an authorized member's version, and gives it the network's defaults: tags, capabilities, addresses from pools.</summary>
    private MemberRecord Provide(NetworkState network, MemberRecord member, NetworkRequestMetadata said)
    {
        var version = new MemberVersion(Small(said.MajorVersion), Small(said.MinorVersion), Small(said.Revision), Small(said.ProtocolVersion));
        member = member with { Version = version };
        if (HasRulesEngine(said))
        {
            member = member with
            {
                Tags = WithDefaults(member.Tags, network.Record.Tags),
                Capabilities = member.Capabilities
                    ?? network.Record.Capabilities.Where(capability => capability.IsDefault).Select(capability => capability.Id).ToEquatableArray(),
            };
        }

        if (member.NoAutoAssign)
            return member;
        if (network.Record.V6AssignMode.Pools == true && NeedsAddress(network, member, InetFamily.IPv6))
            member = WithAddress(member, AddressAssigner.TryAssignV6(network.PoolsV6, network.Addresses, member.Address, _random, out var address), address);
        if (network.Record.AssignV4FromPools && NeedsAddress(network, member, InetFamily.IPv4))
            member = WithAddress(member, AddressAssigner.TryAssignV4(network.PoolsV4, network.Addresses, member.Address, out var address), address);
        return member;
    }

    private static bool HasRulesEngine(NetworkRequestMetadata said) => said.RulesEngineRevision > 0;

    private static int Small(ulong version) => (int)Math.Min(version, int.MaxValue);

    private static bool NeedsAddress(NetworkState network, MemberRecord member, InetFamily family)
    {
        if (member.Addresses.Count >= RecordLimits.MemberAddresses || (family == InetFamily.IPv4 ? network.PoolsV4 : network.PoolsV6).Count == 0)
            return false;
        foreach (var address in member.Addresses)
        {
            if (address.Family == family && ConfigBuilder.RoutedBits(network.Record, address) > 0)
                return false;
        }

        return true;
    }

    private MemberRecord WithAddress(MemberRecord member, bool found, InetAddress address)
    {
        if (found)
            return member with { Addresses = [.. member.Addresses, address] };
        _counters = _counters with { PoolExhausted = _counters.PoolExhausted + 1 };
        return member;
    }

    private static EquatableArray<MemberTag> WithDefaults(EquatableArray<MemberTag> tags, EquatableArray<TagDefinition> definitions)
    {
        var all = new SortedDictionary<uint, uint>();
        foreach (var definition in definitions)
        {
            if (definition.Default is { } value)
                all[definition.Id] = value;
        }

        foreach (var tag in tags)
            all[tag.Id] = tag.Value;
        return all.Count == tags.Count ? tags : all.Select(tag => new MemberTag(tag.Key, tag.Value)).ToEquatableArray();
    }

    /// <summary>Makes room for a new member, or says why there is none.</summary>
    private ControllerReason? MakeRoom(NetworkState network, MemberRecord record, long nowMs)
    {
        if (record.IsStranger && !TakeStrangerToken(nowMs))
            return ControllerReason.NotRecorded;
        if ((record.IsStranger && network.StrangerCount >= Limits.MaxStrangersPerNetwork) || network.Members.Count >= Limits.MaxMembersPerNetwork)
        {
            if (network.OldestStranger is not { } oldest)
                return record.IsStranger ? ControllerReason.NotRecorded : ControllerReason.NetworkFull;
            network.Remove(oldest);
            _store.Delete(network.Record.Id, oldest.Record.Address);
            _counters = _counters with { StrangersForgotten = _counters.StrangersForgotten + 1 };
        }

        return null;
    }

    private bool TakeStrangerToken(long nowMs)
    {
        var elapsed = Math.Max(0, nowMs - _strangerTokensMs);
        _strangerTokensMs = nowMs;
        _strangerTokens = Math.Min(Limits.NewStrangersBurst, _strangerTokens + (elapsed * (double)Limits.NewStrangersPerSecond / 1000));
        if (_strangerTokens < 1)
            return false;
        _strangerTokens--;
        return true;
    }

    /// <summary>Adds or replaces a member's record, and stores it if it says anything new.</summary>
    private MemberState Store(NetworkState network, MemberState? member, MemberRecord record)
    {
        if (member?.Record == record)
            return member;
        record = record with { Revision = record.Revision + 1 };
        _store.Save(record);
        if (member is null)
            return network.Add(record);
        var bridgesChange = NetworkState.IsBridge(member.Record) != NetworkState.IsBridge(record);
        network.Replace(member, record);
        if (bridgesChange)
            PushToAll(network);
        return member;
    }

    private ConfigSource SourceOf(NetworkState network, MemberState member, long nowMs)
    {
        // Later than the last revocation, which counts for all that was issued up to its time.
        member.LastIssuedMs = Math.Max(_clock.Next(nowMs), Math.Max(member.Record.LastDeauthorizedTimeMs, member.RevokedUpToMs) + 1);
        return new ConfigSource(
            network.Record, member.Record, member.Identity!, HasRulesEngine(member.Metadata), network.ActiveBridges, member.LastIssuedMs);
    }

    private void Count(ControllerReason reason)
    {
        _counters = _counters with { Requests = _counters.Requests + 1 };
        _counters = reason switch
        {
            ControllerReason.Member => _counters with { Configs = _counters.Configs + 1 },
            ControllerReason.NotOurNetwork or ControllerReason.NoSuchNetwork => _counters with { NoSuchNetwork = _counters.NoSuchNetwork + 1 },
            ControllerReason.TooSoon => _counters with { TooSoon = _counters.TooSoon + 1 },
            ControllerReason.NotAuthorized => _counters with { NotAuthorized = _counters.NotAuthorized + 1 },
            ControllerReason.NotRecorded => _counters with { NotAuthorized = _counters.NotAuthorized + 1, NotRecorded = _counters.NotRecorded + 1 },
            ControllerReason.IdentityMismatch => _counters with { IdentityMismatch = _counters.IdentityMismatch + 1 },
            _ => _counters with { NetworkFull = _counters.NetworkFull + 1 },
        };
    }
}
