using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The host's addresses and the Ethernet groups that follow from them and from joined IP groups.</summary>
internal sealed class AddressTable(NetworkHost host)
{
    private readonly List<InetPrefix> _addresses = [];
    private readonly List<(EthernetGroup Group, int Uses)> _groups = [];
    private readonly List<(InetAddress Group, int Uses)> _ipGroups = [];
    private int _v4;
    private int _v6;

    public IReadOnlyList<InetPrefix> Addresses => _addresses;

    /// <summary>The number of IP multicast groups that sockets joined.</summary>
    public int IpGroupCount => _ipGroups.Count;

    public IReadOnlyList<EthernetGroup> Groups => _groups.ConvertAll(entry => entry.Group);

    public bool IsLocal(InetAddress address)
    {
        for (var i = 0; i < _addresses.Count; i++)
        {
            if (_addresses[i].Address == address)
                return true;
        }

        return false;
    }

    /// <summary>Whether an IPv4 address is 255.255.255.255 or the last address of one of the host's networks.</summary>
    public bool IsBroadcast(InetAddress address)
    {
        if (!address.IsV4)
            return false;
        if (address == InetAddress.BroadcastV4)
            return true;
        for (var i = 0; i < _addresses.Count; i++)
        {
            if (_addresses[i].Address.IsV4 && _addresses[i].Bits <= 30 && _addresses[i].Last == address)
                return true;
        }

        return false;
    }

    /// <summary>Whether the host listens to an IP multicast group: one joined by a socket, all-nodes, or solicited-node of an
    /// address.</summary>
    public bool IsJoined(InetAddress group)
    {
        if (group.IsV4)
            return (_v4 > 0 && group.V4 == 0xe0000001) || FindIpGroup(group) >= 0;
        if (_v6 > 0 && group == Ipv6Addresses.AllNodes)
            return true;
        if (Ipv6Addresses.IsSolicitedNode(group))
        {
            for (var i = 0; i < _addresses.Count; i++)
            {
                if (_addresses[i].Address.IsV6 && Ipv6Addresses.SolicitedNode(_addresses[i].Address) == group)
                    return true;
            }
        }

        return FindIpGroup(group) >= 0;
    }

    /// <summary>Throws if a host cannot have an address.</summary>
    /// <param name="address">The address with its prefix length.</param>
    /// <exception cref="ArgumentException">The address is multicast, unspecified, loopback, broadcast or none.</exception>
    public static void Check(InetPrefix address)
    {
        if (address.Address.Family == InetFamily.None || address.Address.IsMulticast || address.Address.IsUnspecified
            || address.Address.IsLoopback || address.Address == InetAddress.BroadcastV4)
            throw new ArgumentException($"A host cannot have the address '{address}'.", nameof(address));
    }

    public bool Add(InetPrefix address)
    {
        for (var i = 0; i < _addresses.Count; i++)
        {
            if (_addresses[i].Address == address.Address)
            {
                _addresses[i] = address;
                return false;
            }
        }

        _addresses.Add(address);
        if (address.Address.IsV4)
        {
            if (_v4++ == 0)
                JoinMac(new EthernetGroup(MulticastMac(InetAddress.FromV4(0xe0000001)), default));
            JoinMac(new EthernetGroup(MacAddress.Broadcast, address.Address));
        }
        else
        {
            if (_v6++ == 0)
                JoinMac(new EthernetGroup(MulticastMac(Ipv6Addresses.AllNodes), default));
            var group = Ipv6Addresses.SolicitedNode(address.Address);
            JoinMac(new EthernetGroup(MulticastMac(group), default));
            if (CountSolicited(group) == 1)
                host.MldGroups.OnJoined(group, host.IsBatchOpen);
        }

        return true;
    }

    public bool Remove(InetAddress address)
    {
        var index = _addresses.FindIndex(entry => entry.Address == address);
        if (index < 0)
            return false;
        _addresses.RemoveAt(index);
        if (address.IsV4)
        {
            LeaveMac(new EthernetGroup(MacAddress.Broadcast, address));
            if (--_v4 == 0)
                LeaveMac(new EthernetGroup(MulticastMac(InetAddress.FromV4(0xe0000001)), default));
        }
        else
        {
            var group = Ipv6Addresses.SolicitedNode(address);
            LeaveMac(new EthernetGroup(MulticastMac(group), default));
            if (CountSolicited(group) == 0)
                host.MldGroups.OnLeft(group);
            if (--_v6 == 0)
                LeaveMac(new EthernetGroup(MulticastMac(Ipv6Addresses.AllNodes), default));
        }

        return true;
    }

    /// <summary>Joins an IP multicast group. Joins are counted.</summary>
    public void Join(InetAddress group)
    {
        var index = FindIpGroup(group);
        if (index >= 0)
        {
            _ipGroups[index] = (group, _ipGroups[index].Uses + 1);
            return;
        }

        _ipGroups.Add((group, 1));
        JoinMac(new EthernetGroup(MulticastMac(group), default));
        Membership(group).OnJoined(group, isTold: true);
    }

    /// <summary>Leaves an IP multicast group, once for each join.</summary>
    public void Leave(InetAddress group)
    {
        var index = FindIpGroup(group);
        if (index < 0)
            return;
        if (_ipGroups[index].Uses > 1)
        {
            _ipGroups[index] = (group, _ipGroups[index].Uses - 1);
            return;
        }

        _ipGroups.RemoveAt(index);
        LeaveMac(new EthernetGroup(MulticastMac(group), default));
        Membership(group).OnLeft(group);
    }

    /// <summary>Joins an Ethernet group. Joins are counted.</summary>
    public void Join(MacAddress group) => JoinMac(new EthernetGroup(group, default));

    /// <summary>Leaves an Ethernet group, once for each join.</summary>
    public void Leave(MacAddress group) => LeaveMac(new EthernetGroup(group, default));

    /// <summary>Returns the Ethernet group of an IP group (RFC 1112 section 6.4, RFC 2464 section 7).</summary>
    public static MacAddress MulticastMac(InetAddress group) => group.IsV4
        ? new MacAddress(0x0100_5e00_0000UL | (group.V4 & 0x7f_ffff))
        : new MacAddress(0x3333_0000_0000 | (group.V6Low & 0xffff_ffff));

    private GroupMembership Membership(InetAddress group) => group.IsV4 ? host.IgmpGroups : host.MldGroups;

    // How many addresses share a solicited-node group.
    private int CountSolicited(InetAddress group)
    {
        var count = 0;
        foreach (var address in _addresses)
        {
            if (address.Address.IsV6 && Ipv6Addresses.SolicitedNode(address.Address) == group)
                count++;
        }

        return count;
    }

    private int FindIpGroup(InetAddress group)
    {
        for (var i = 0; i < _ipGroups.Count; i++)
        {
            if (_ipGroups[i].Group == group)
                return i;
        }

        return -1;
    }

    private void JoinMac(EthernetGroup group)
    {
        var index = _groups.FindIndex(entry => entry.Group == group);
        if (index >= 0)
        {
            _groups[index] = (group, _groups[index].Uses + 1);
            return;
        }

        _groups.Add((group, 1));
        host.Options.GroupObserver?.OnJoined(group);
    }

    private void LeaveMac(EthernetGroup group)
    {
        var index = _groups.FindIndex(entry => entry.Group == group);
        if (index < 0)
            return;
        if (_groups[index].Uses > 1)
        {
            _groups[index] = (group, _groups[index].Uses - 1);
            return;
        }

        _groups.RemoveAt(index);
        host.Options.GroupObserver?.OnLeft(group);
    }
}

/// <summary>IPv6 addresses with a meaning of their own (RFC 4291).</summary>
internal static class Ipv6Addresses
{
    /// <summary>ff02::1</summary>
    public static InetAddress AllNodes => InetAddress.FromV6(0xff02_0000_0000_0000, 1);

    /// <summary>ff02::1:ff00:0/104 with the address's last 24 bits.</summary>
    public static InetAddress SolicitedNode(InetAddress address) =>
        InetAddress.FromV6(0xff02_0000_0000_0000, 0x0000_0001_ff00_0000 | (address.V6Low & 0xff_ffff));

    public static bool IsSolicitedNode(InetAddress address) =>
        address.V6High == 0xff02_0000_0000_0000 && address.V6Low >> 24 == 0x1_ff;
}
