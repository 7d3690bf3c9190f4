using System.Collections.Concurrent;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests;

/// <summary>A controller of one network that gives each member 10.77.0.N and both derived IPv6 addresses.</summary>
internal sealed class TestController(Identity identity) : INetworkController
{
    private readonly ConcurrentDictionary<NodeAddress, int> _numbers = new();
    private readonly ConcurrentDictionary<NodeAddress, bool> _authorized = new();

    public NetworkId Network { get; } = NetworkId.Create(identity.Address, 0x77);

    public bool IsPrivate { get; init; } = true;

    public bool AssignsAddresses { get; set; } = true;

    public int Mtu { get; set; } = NetworkLimits.DefaultMtu;

    /// <summary>The network's DNS.</summary>
    public NetworkDns? Dns { get; set; }

    /// <summary>Changes what members get.</summary>
    public Func<NetworkConfig, NetworkConfig> Customize { get; set; } = config => config;

    /// <summary>Whether anything is answered.</summary>
    public bool IsSilent { get; set; }

    public void Authorize(NodeAddress member) => _authorized[member] = true;

    public void Deauthorize(NodeAddress member) => _authorized.TryRemove(member, out _);

    public NetworkConfig ConfigFor(long nowMs, Identity member)
    {
        var number = _numbers.GetOrAdd(member.Address, _ => _numbers.Count + 1);
        var config = new NetworkConfig
        {
            NetworkId = Network,
            IssuedTo = member.Address,
            Timestamp = nowMs,
            CredentialTimeMaxDelta = 7_200_000,
            Revision = (ulong)Mtu,
            Flags = NetworkFlags.Broadcast,
            MulticastLimit = 32,
            Type = IsPrivate ? NetworkType.Private : NetworkType.Public,
            Name = "test",
            Mtu = Mtu,
            Dns = Dns,
            Rules = [Rule.ActionAccept],
        };
        if (AssignsAddresses)
        {
            config = config with
            {
                StaticAddresses =
                [
                    new InetPrefix(InetAddress.FromV4(0x0a4d0000 + (uint)number), 24),
                    DerivedAddresses.Rfc4193(Network, member.Address),
                    DerivedAddresses.SixPlane(Network, member.Address),
                ],
                Routes = [new NetworkRoute(InetPrefix.Parse("10.77.0.0/24"))],
            };
        }

        config = Customize(config);
        return IsPrivate
            ? config with { Membership = CertificateOfMembership.Create(Network, nowMs, 7_200_000, member).Sign(identity) }
            : config;
    }

    public Identity? FindIdentity(NodeAddress member) => null;

    /// <summary>Passes a reply to the controller's node.</summary>
    public Action<ControllerMessage>? Send { get; set; }

    public bool TryPost(ConfigRequest request)
    {
        if (IsSilent || Send is not { } send)
            return false;
        var kind = request.Network != Network ? ControllerMessageKind.NotFound
            : IsPrivate && !_authorized.ContainsKey(request.Requester.Address) ? ControllerMessageKind.AccessDenied
            : ControllerMessageKind.Config;
        send(new ControllerMessage
        {
            To = request.Requester.Address,
            Network = request.Network,
            Kind = kind,
            Config = kind == ControllerMessageKind.Config ? ConfigFor(request.ReceivedMs, request.Requester) : null,
            InReplyTo = request.PacketId,
        });
        return true;
    }
}
