using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Members;
using Lanyard.Engine.Multicast;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>A virtual network that a node has joined. Owned by its node: used on the thread that drives the node.</summary>
public sealed class VirtualNetwork
{
    private const long RefreshMs = 60_000;
    private const long FirstRetryMs = 500;
    private const long LastRetryMs = 5_000;
    private const long LastRefusedRetryMs = 30_000;
    private const long AnnounceMs = 60_000;

    // A lost announcement leaves this node out of reach for ARP until the next one: announcements of new groups are sent three times.
    private const long FirstRepeatMs = 1_000;
    private const long SecondRepeatMs = 4_000;
    private const int AnnouncementRepeats = 2;
    private const long CredentialsMs = 30_000;
    private const long CredentialsRequestMs = 1_000;
    private const long DoubtMs = 5_000;
    private const int MaxOwners = 65_536;
    private const int MaxUnknownSpecialists = 16;

    private readonly NodeContext _context;
    private readonly IPeerLayer _peers;
    private readonly ConfigRequester _requester;
    private readonly CredentialSender _credentials;
    private readonly Dictionary<NodeAddress, Membership> _members = [];
    private readonly HashSet<MulticastGroup> _groups = [];
    private readonly Dictionary<MulticastGroup, long> _groupsBehindBridge = [];
    private readonly Dictionary<MacAddress, NodeAddress> _bridgeRoutes = [];
    private readonly Dictionary<InetAddress, NodeAddress> _owners = [];
    private Capability[] _ownCapabilities = [];
    private long _configuredMs = -1;
    private long _requestRetryMs = FirstRetryMs;
    private long _nextAnnounceMs = long.MaxValue;
    private int _announcementRepeats;
    private RateGate _doubt;
    private bool _isDoubted;

    internal VirtualNetwork(NodeContext context, NetworkId id, IPeerLayer peers, ConfigRequester requester, CredentialSender credentials)
    {
        _context = context;
        _peers = peers;
        _requester = requester;
        _credentials = credentials;
        Id = id;
        Mac = DerivedAddresses.Mac(id, context.Address);
        Chunks = new NetworkConfigAssembler(id);
        Revocations = new Revocations(context, id);
    }

    /// <summary>The network.</summary>
    public NetworkId Id { get; }

    /// <summary>The node that defines it.</summary>
    public NodeAddress Controller => Id.Controller;

    /// <summary>This node's Ethernet address on it.</summary>
    public MacAddress Mac { get; }

    /// <summary>The join status.</summary>
    public NetworkStatus Status { get; private set; }

    /// <summary>The configuration; null until the controller first answers. Stored, and valid while the controller is offline.</summary>
    public NetworkConfig? Config { get; private set; }

    /// <summary>The multicast groups that this node listens to.</summary>
    public IReadOnlyCollection<MulticastGroup> Groups => _groups;

    /// <summary>Grows when a member shows that an IP address is its own, so that earlier answers of <see cref="FindOwner"/> can be asked for anew.</summary>
    public int OwnershipVersion { get; private set; }

    /// <summary>
    /// Whose an IP address is: by its form (rfc4193, 6plane), by the certificates of ownership of this node and of the members that have shown theirs, and
    /// by what this node was assigned.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="claimant">The Ethernet address that is said to have it.</param>
    public AddressOwner FindOwner(InetAddress address, MacAddress claimant)
    {
        if (Config is not { } config)
            return AddressOwner.Unknown;
        if (DerivedAddresses.TryGetNode(Id, address, out var derived))
            return claimant == DerivedAddresses.Mac(Id, derived) ? AddressOwner.Claimant : AddressOwner.Other;
        if (claimant == Mac)
            return AddressOwner.Claimant;
        if (OwnCredentials.Owns(address))
            return AddressOwner.Other;
        var node = DerivedAddresses.NodeOf(Id, claimant);
        if (!node.IsNone && FindMember(node)?.Owns(address) == true)
            return AddressOwner.Claimant;
        foreach (ref readonly var assigned in config.StaticAddresses)
        {
            if (assigned.Address == address)
                return AddressOwner.Other;
        }

        return _owners.TryGetValue(address, out var owner) && FindMember(owner)?.Owns(address) == true ? AddressOwner.Other : AddressOwner.Unknown;
    }

    internal long NextRequestMs { get; private set; }

    /// <summary>When <see cref="Poll"/> must be called next, in milliseconds since 1970.</summary>
    internal long NextDeadlineMs => Math.Min(NextRequestMs, Config is null ? long.MaxValue : _nextAnnounceMs);

    internal NetworkConfigAssembler Chunks { get; }

    internal IReadOnlyDictionary<NodeAddress, Membership> Members => _members;

    internal Revocations Revocations { get; }

    /// <summary>This node's credentials, as rules match them. Set with the first configuration, before any frame.</summary>
    internal IRuleCredentials OwnCredentials { get; private set; } = null!;

    internal ReadOnlySpan<Capability> OwnCapabilities => _ownCapabilities;

    internal bool IsSubscribed(MulticastGroup group) => _groups.Contains(group) || _groupsBehindBridge.ContainsKey(group) || (IsBroadcast(group) && WantsBroadcast);

    /// <summary>Whether a peer is a member as far as this node can tell; if so it hears of this node's groups now and then.</summary>
    internal bool Admits(long nowMs, Peer peer)
    {
        if (Config is null)
            return false;
        var member = FindMember(peer.Address);
        if (!Config.IsPublic && (member is null || !member.IsMember(Config, peer.Identity)))
            return false;
        member ??= GetMember(peer.Address);
        if (member.GroupAnnouncement.TryPass(nowMs, AnnounceMs))
            AnnounceTo(nowMs, peer.Address, AllGroups());
        return true;
    }

    internal Membership? FindMember(NodeAddress address) => _members.GetValueOrDefault(address);

    internal Membership GetMember(NodeAddress address)
    {
        if (_members.TryGetValue(address, out var member))
            return member;
        member = new Membership(this, address);
        AddMember(address, member);
        return member;
    }

    internal void AddMember(NodeAddress address, Membership member)
    {
        if (_members.Count >= _context.Options.MaxMembersPerNetwork)
            ForgetAbsentMembers();
        if (_members.Count >= _context.Options.MaxMembersPerNetwork)
            _members.Remove(_members.Keys.First());
        _members[address] = member;
    }

    /// <summary>A member has shown a certificate of ownership that is good.</summary>
    internal void NoteOwnership(NodeAddress member, CertificateOfOwnership certificate)
    {
        foreach (ref readonly var thing in certificate.Things)
        {
            if (thing.Address is not { Family: not InetFamily.None } address)
                continue;
            var isKnown = _owners.TryGetValue(address, out var owner);
            if ((isKnown && (owner == member || FindMember(owner)?.Owns(address) == true)) || (!isKnown && _owners.Count >= MaxOwners))
                continue;
            _owners[address] = member;
            OwnershipVersion++;
        }
    }

    /// <summary>Asks the controller for the configuration.</summary>
    internal void Request(long nowMs)
    {
        NextRequestMs = nowMs + (Config is not null && Status == NetworkStatus.Ok && _configuredMs >= 0 && !_isDoubted ? RefreshMs : _requestRetryMs);
        _requestRetryMs = Math.Min(_requestRetryMs * 2, Status is NetworkStatus.AccessDenied or NetworkStatus.NotFound ? LastRefusedRetryMs : LastRetryMs);
        _requester.Request(nowMs, this);
    }

    /// <summary>A root is reachable now, or the network under us changed: the next request comes at once.</summary>
    internal void RequestSoon(long nowMs)
    {
        if (_configuredMs >= 0 && Status == NetworkStatus.Ok)
            return;
        _requestRetryMs = FirstRetryMs;
        NextRequestMs = nowMs;
    }

    /// <summary>Forgets that the controller refused, and asks again: what it says then is news.</summary>
    internal void Retry(long nowMs)
    {
        if (Status == NetworkStatus.Ok)
            return;
        Status = NetworkStatus.RequestingConfiguration;
        _requestRetryMs = FirstRetryMs;
        Request(nowMs);
        _context.Host.NetworkChanged(this);
    }

    internal void Refuse(NetworkStatus status)
    {
        if (status == Status)
            return;
        Status = status;
        _context.Host.NetworkChanged(this);
    }

    /// <summary>
    /// Applies a configuration. A reply to this node's own request is always applied, since the controller's clock may have been set back. A pushed one that is
    /// older than the current configuration may be a replay: it is ignored, and the controller is asked.
    /// </summary>
    /// <returns>False if the configuration is not for this node and network, or was pushed and is older than the current one.</returns>
    internal bool Configure(long nowMs, NetworkConfig config, ConfigOrigin origin)
    {
        if (config.NetworkId != Id || config.IssuedTo != _context.Address)
            return false;
        if (Config is not null && config.Timestamp < Config.Timestamp)
        {
            if (origin == ConfigOrigin.Pushed)
            {
                if (_doubt.TryPass(nowMs, DoubtMs))
                {
                    _isDoubted = true;
                    _requestRetryMs = FirstRetryMs;
                    NextRequestMs = Math.Min(NextRequestMs, nowMs);
                }

                return false;
            }

            Revocations.ClockWentBack(config.Timestamp);
        }

        var isFresh = origin != ConfigOrigin.Stored;
        if (isFresh)
        {
            _configuredMs = nowMs;
            _isDoubted = false;
            _requestRetryMs = FirstRetryMs;
            NextRequestMs = nowMs + RefreshMs;
        }

        var wasOk = Status == NetworkStatus.Ok;
        Status = NetworkStatus.Ok;
        if (wasOk && config.Equals(Config))
            return true;
        Config = config;
        OwnCredentials = new OwnRuleCredentials(config);
        _ownCapabilities = [.. config.Capabilities.OrderBy(c => c.Id)];
        foreach (var member in _members.Values)
            member.ConfigChanged();
        _context.Host.NetworkChanged(this);
        Announce(nowMs, AllGroups(), force: true);
        if (!wasOk)
            RepeatAnnouncement(nowMs);
        if (isFresh && config.TryWrite(out var text))
            _context.Host.SaveState(StateKind.NetworkConfig, Id.Value, text);
        return true;
    }

    /// <summary>Passes a frame that the rules accept to the host.</summary>
    internal void Deliver(in EthernetFrame frame)
    {
        _context.Counters.FramesReceived++;
        _context.Host.FrameReceived(this, frame);
    }

    internal void Subscribe(long nowMs, MulticastGroup group)
    {
        if (!_groups.Add(group) || Config is null)
            return;
        Announce(nowMs, [group], force: true);
        RepeatAnnouncement(nowMs);
    }

    internal void Unsubscribe(MulticastGroup group) => _groups.Remove(group);

    internal void LearnGroupBehindBridge(long nowMs, MulticastGroup group)
    {
        var isNew = !_groupsBehindBridge.ContainsKey(group);
        if (isNew && _groupsBehindBridge.Count >= _context.Options.MaxBridgeRoutes)
            return;
        _groupsBehindBridge[group] = nowMs;
        if (isNew)
            Announce(nowMs, [group], force: true);
    }

    internal void LearnBridgeRoute(MacAddress mac, NodeAddress bridge)
    {
        // A bridge that floods loses its own entries, not those of others.
        if (_bridgeRoutes.Count >= _context.Options.MaxBridgeRoutes && !_bridgeRoutes.ContainsKey(mac))
        {
            foreach (var old in _bridgeRoutes.Where(r => r.Value == bridge).Select(r => r.Key).ToArray())
                _bridgeRoutes.Remove(old);
            if (_bridgeRoutes.Count >= _context.Options.MaxBridgeRoutes)
                return;
        }

        _bridgeRoutes[mac] = bridge;
    }

    internal bool TryFindBridge(MacAddress mac, out NodeAddress bridge) => _bridgeRoutes.TryGetValue(mac, out bridge);

    /// <summary>Shows this node's credentials to a member before it first gets a frame, after they changed, and now and then.</summary>
    internal void PushCredentialsIfNeeded(long nowMs, NodeAddress to)
    {
        var member = GetMember(to);
        if (member.CredentialsPushedMs < 0 || member.CredentialsPushedMs < _configuredMs || nowMs - member.CredentialsPushedMs > CredentialsMs)
            PushCredentials(nowMs, to, member);
    }

    internal void CredentialsWanted(long nowMs, NodeAddress to)
    {
        if (Config?.Membership is null)
            return;
        var member = GetMember(to);
        if (member.CredentialsPushedMs < 0 || member.CredentialsPushedMs < _configuredMs || nowMs - member.CredentialsPushedMs > CredentialsRequestMs)
            PushCredentials(nowMs, to, member);
    }

    internal void Poll(long nowMs)
    {
        if (nowMs >= NextRequestMs)
            Request(nowMs);
        if (Config is not null && nowMs >= _nextAnnounceMs)
            Announce(nowMs, AllGroups(), force: false);
    }

    internal void Clean(long nowMs)
    {
        foreach (var (group, learnedMs) in _groupsBehindBridge.ToArray())
        {
            if (nowMs - learnedMs > Multicaster.SubscriptionLifeMs * 2)
                _groupsBehindBridge.Remove(group);
        }

        ForgetAbsentMembers();
        if (Config is null)
            return;
        Revocations.Clean(Config);
        foreach (var member in _members.Values)
            member.Clean(Config);
        foreach (var (address, owner) in _owners.ToArray())
        {
            if (FindMember(owner)?.Owns(address) != true)
                _owners.Remove(address);
        }
    }

    private static bool IsBroadcast(MulticastGroup group) => group.Mac.IsBroadcast && group.Adi == 0;

    private bool WantsBroadcast => Config is not null && (Config.Flags & NetworkFlags.Broadcast) != 0;

    private void ForgetAbsentMembers()
    {
        foreach (var address in _members.Keys.Where(a => _peers.Find(a) is null).ToArray())
            _members.Remove(address);
    }

    // The next announcement is the first repetition.
    private void RepeatAnnouncement(long nowMs)
    {
        _announcementRepeats = AnnouncementRepeats - 1;
        _nextAnnounceMs = Math.Min(_nextAnnounceMs, nowMs + FirstRepeatMs);
    }

    private MulticastGroup[] AllGroups()
    {
        var groups = new HashSet<MulticastGroup>(_groups);
        groups.UnionWith(_groupsBehindBridge.Keys);
        if (WantsBroadcast)
            groups.Add(new MulticastGroup(MacAddress.Broadcast, 0));
        return [.. groups];
    }

    // To those who are asked for members of groups (roots, the controller, the network's own helpers), and to the members that are known.
    private void Announce(long nowMs, MulticastGroup[] groups, bool force)
    {
        if (!force)
        {
            _nextAnnounceMs = nowMs + (_announcementRepeats > 0 ? SecondRepeatMs : AnnounceMs);
            _announcementRepeats = Math.Max(_announcementRepeats - 1, 0);
        }

        var always = new HashSet<NodeAddress> { Controller };
        always.UnionWith(_peers.Roots);

        // A controller may name nodes that do not exist: what is sent to them must not fill the queue that this node's own packets wait in.
        var strangers = 0;
        foreach (var specialist in Config!.WithRole(SpecialistRoles.Anchor | SpecialistRoles.MulticastReplicator))
        {
            if (_peers.Find(specialist) is not null || strangers++ < MaxUnknownSpecialists)
                always.Add(specialist);
        }

        always.Remove(_context.Address);
        foreach (var address in always)
            AnnounceTo(nowMs, address, groups);
        foreach (var (address, member) in _members)
        {
            if (!always.Contains(address) && _peers.Find(address) is { } peer && member.IsMember(Config, peer.Identity)
                && (member.GroupAnnouncement.TryPass(nowMs, AnnounceMs) || force))
                AnnounceTo(nowMs, address, groups);
        }
    }

    private void AnnounceTo(long nowMs, NodeAddress to, MulticastGroup[] groups)
    {
        const int perPacket = 70;
        for (var start = 0; start < groups.Length; start += perPacket)
        {
            using var buffer = _context.Buffers.Rent();
            var writer = buffer.CreateWriter();
            MulticastLikeMessage.Write(ref writer, groups.Skip(start).Take(perPacket).Select(g => new MulticastSubscription(Id, g)).ToArray());
            _peers.Send(nowMs, to, buffer.Complete(Verb.MulticastLike, writer, isCompressible: true));
        }
    }

    private void PushCredentials(long nowMs, NodeAddress to, Membership member)
    {
        member.CredentialsPushedMs = nowMs;
        if (Config is not null)
            _credentials.SendOwn(nowMs, to, Config);
    }
}
