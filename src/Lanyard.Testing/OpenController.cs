using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing;

/// <summary>
/// A network controller for tests. Admits every node to its private networks, and assigns IPv4 addresses in order, rfc4193 and 6plane addresses.
/// </summary>
public sealed class OpenController(Identity identity) : INetworkController
{
    private readonly Dictionary<(NetworkId, NodeAddress), uint> _addresses = [];
    private readonly Dictionary<NetworkId, uint> _next = [];
    private readonly Dictionary<NodeAddress, Identity> _identities = [];

    /// <summary>The pool of IPv4 addresses. Default 10.144.0.0/16.</summary>
    public InetPrefix Pool { get; init; } = InetPrefix.Parse("10.144.0.0/16");

    /// <summary>The nodes to refuse. Default empty.</summary>
    public ISet<NodeAddress> Refused { get; } = new HashSet<NodeAddress>();

    /// <summary>Changes the configuration of each member. Default: no change.</summary>
    public Func<NetworkConfig, NetworkConfig> Customize { get; set; } = config => config;

    /// <summary>The offset of the controller's clock, in milliseconds. Default 0.</summary>
    public long ClockOffsetMs { get; set; }

    /// <summary>Returns the ID of a network of this controller.</summary>
    public NetworkId Network(uint number) => NetworkId.Create(identity.Address, number);

    /// <summary>Passes a reply to the controller's node, after the call that posted the request has returned. No request is accepted before it is set.</summary>
    public Action<ControllerMessage>? Send { get; set; }

    /// <inheritdoc/>
    public bool TryPost(ConfigRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Send is not { } send)
            return false;
        var isRefused = Refused.Contains(request.Requester.Address);
        send(new ControllerMessage
        {
            To = request.Requester.Address,
            Network = request.Network,
            Kind = isRefused ? ControllerMessageKind.AccessDenied : ControllerMessageKind.Config,
            Config = isRefused ? null : Configure(request.ReceivedMs, request.Requester, request.Network),
            InReplyTo = request.PacketId,
        });
        return true;
    }

    /// <inheritdoc/>
    public Identity? FindIdentity(NodeAddress member) => _identities.GetValueOrDefault(member);

    /// <summary>Returns the configuration of a member.</summary>
    public NetworkConfig Configure(long nowMs, Identity member, NetworkId network)
    {
        ArgumentNullException.ThrowIfNull(member);
        _identities[member.Address] = member;
        if (!_addresses.TryGetValue((network, member.Address), out var number))
        {
            number = _next.GetValueOrDefault(network, 1u);
            _next[network] = number + 1;
            _addresses[(network, member.Address)] = number;
        }

        var timestamp = nowMs + ClockOffsetMs;
        var v4 = new InetPrefix(InetAddress.FromV4(Pool.Network.V4 + number), Pool.Bits);
        return Customize(new NetworkConfig
        {
            NetworkId = network,
            IssuedTo = member.Address,
            Timestamp = timestamp,
            CredentialTimeMaxDelta = NetworkLimits.MaxCredentialTimeMaxDelta,
            Revision = 1,
            Name = "simulation",
            Flags = NetworkFlags.Broadcast | NetworkFlags.NdpEmulation,
            MulticastLimit = 32,
            Type = NetworkType.Private,
            StaticAddresses = [v4, DerivedAddresses.Rfc4193(network, member.Address), DerivedAddresses.SixPlane(network, member.Address)],
            Routes = [new NetworkRoute(new InetPrefix(Pool.Network, Pool.Bits))],
            Rules = [Rule.ActionAccept],
            Membership = CertificateOfMembership.Create(network, timestamp, NetworkLimits.MaxCredentialTimeMaxDelta, member).Sign(identity),
        });
    }
}
