using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class AddressTests
{
    private static NetworkRecord Routed(NetworkRecord network, string route, string first, string last) => network with
    {
        AssignV4FromPools = true,
        IsPrivate = false,
        Routes = [new ManagedRoute(InetPrefix.Parse(route), default)],
        Pools = [new AddressPool(InetAddress.Parse(first), InetAddress.Parse(last))],
    };

    private static InetAddress[] AddressesOf(NetworkConfig config, InetFamily family = InetFamily.IPv4) =>
        config.StaticAddresses.Select(prefix => prefix.Address).Where(address => address.Family == family).ToArray();

    [Fact]
    public void Members_of_a_small_pool_get_each_address_once_until_none_is_left()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/24", "10.1.0.1", "10.1.0.20"));
        var assigned = new HashSet<InetAddress>();
        for (var n = 1UL; n <= 20; n++)
            Assert.True(assigned.Add(Assert.Single(AddressesOf(test.ConfigOf(TestController.Stranger(n * 7919))))));

        Assert.All(assigned, address => Assert.InRange(address.V4, 0x0a010001u, 0x0a010014u));
        Assert.Empty(AddressesOf(test.ConfigOf(TestController.Stranger(5))));
        Assert.Equal(1, test.Core.Counters.PoolExhausted);
    }

    [Fact]
    public void One_call_tries_a_bounded_number_of_IPv6_addresses_and_later_ones_go_on_where_it_stopped()
    {
        var pool = Assert.Single(UsableRanges.Of(new NetworkRecord
        {
            Id = NetworkId.Parse("8056c2e21c000001"),
            Routes = [new ManagedRoute(InetPrefix.Parse("fd00::/64"), default)],
            Pools = [new AddressPool(InetAddress.Parse("fd00::1:0"), InetAddress.Parse("fd00::1:ffff"))],
        }, InetFamily.IPv6));
        var table = new AssignedAddresses();
        var free = InetAddress.Parse("fd00::1:c000");
        for (var i = 0u; i < 65_536; i++)
        {
            var address = InetAddress.FromV6(0xfd00_0000_0000_0000, 0x1_0000 + i);
            if (address != free)
                table.Take(address);
        }

        // The random numbers never hit the free address: only the consecutive search finds it.
        void Fill(Span<byte> bytes) => bytes.Clear();
        var calls = 0;
        InetAddress found;
        do
        {
            var before = pool.NextTrial;
            var isFound = AddressAssigner.TryAssignV6([pool], table, new NodeAddress(7), Fill, out found);
            Assert.InRange(pool.NextTrial - before, UInt128.One, (UInt128)4_096);
            calls++;
            Assert.True(isFound == (found == free));
        }
        while (found != free && calls < 64);
        Assert.Equal(13, calls);
    }

    [Fact]
    public void A_forgotten_members_address_goes_to_the_next_who_comes()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/24", "10.1.0.1", "10.1.0.2"));
        var (first, second, third) = (TestController.Stranger(1), TestController.Stranger(2), TestController.Stranger(3));
        var freed = AddressesOf(test.ConfigOf(first));
        test.ConfigOf(second);
        Assert.Empty(AddressesOf(test.ConfigOf(third)));

        test.Core.DeleteMember(test.NowMs, test.NetworkId, first.Address);
        Assert.Equal(freed, AddressesOf(test.ConfigOf(third)));
    }

    [Fact]
    public void A_member_keeps_its_address_and_another_is_not_given_it_while_it_is_away_or_not_authorized()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/24", "10.1.0.1", "10.1.0.1") with { IsPrivate = true });
        var (first, second) = (TestController.Stranger(1), TestController.Stranger(2));
        test.Authorize(first);
        test.Authorize(second);
        var address = Assert.Single(AddressesOf(test.ConfigOf(first)));
        test.Authorize(first, false);
        Assert.Empty(AddressesOf(test.ConfigOf(second)));
        test.Authorize(first);
        Assert.Equal([address], AddressesOf(test.ConfigOf(first)));
    }

    [Theory]
    [InlineData("10.1.0.0/30", "10.1.0.0", "10.1.0.3", 2)]
    [InlineData("10.1.0.0/31", "10.1.0.0", "10.1.0.1", 2)]
    [InlineData("10.1.0.4/32", "10.1.0.0", "10.1.0.9", 1)]
    [InlineData("10.1.0.0/23", "10.1.0.250", "10.1.1.5", 11)] // Without 10.1.0.255.
    [InlineData("10.1.0.0/24", "10.2.0.0", "10.2.0.255", 0)]
    [InlineData("0.0.0.0/0", "10.2.0.0", "10.2.0.255", 0)]
    [InlineData("10.1.0.0/24", "10.1.0.9", "10.1.0.1", 0)]
    [InlineData("255.255.255.0/24", "255.255.255.250", "255.255.255.255", 5)]
    public void Network_and_broadcast_addresses_and_what_no_route_covers_are_never_assigned(string route, string first, string last, int usable)
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, route, first, last));
        var prefix = InetPrefix.Parse(route);
        var assigned = new HashSet<InetAddress>();
        for (var n = 1UL; n <= 15; n++)
            assigned.UnionWith(AddressesOf(test.ConfigOf(TestController.Stranger(n))));

        Assert.Equal(usable, assigned.Count);
        if (prefix.Bits < 31)
            Assert.All(assigned, address => Assert.True(address != prefix.Network && address != prefix.Last && prefix.Contains(address)));
    }

    [Fact]
    public void Searching_a_huge_pool_that_is_half_full_costs_little()
    {
        var table = new AssignedAddresses();
        for (var number = 0x0a000000u; number < 0x0a000000u + 200_000; number++)
            table.Take(InetAddress.FromV4(number));
        var pools = UsableRanges.Of(Routed(new NetworkRecord { Id = new NetworkId(1) }, "10.0.0.0/8", "10.0.0.0", "10.255.255.255"), InetFamily.IPv4);

        // Each of these begins in the part that is full: a walk from address to address would take 10^8 steps.
        for (var n = 0UL; n < 1_000; n++)
        {
            Assert.True(AddressAssigner.TryAssignV4(pools, table, new NodeAddress(n), out var address));
            Assert.InRange(address.V4, 0x0a000000u + 200_000, 0x0affffffu);
        }
    }

    [Fact]
    public void The_table_finds_the_same_entries_as_a_linear_search()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var table = new AssignedAddresses();
            var taken = new HashSet<uint>();
            var start = (uint)random.Next(0, 2000);
            for (var i = 0; i < random.Next(0, 900); i++)
            {
                var number = start + (uint)random.Next(0, 700);
                if (taken.Add(number))
                {
                    table.Take(InetAddress.FromV4(number));
                }
                else if (random.Next(3) == 0)
                {
                    taken.Remove(number);
                    table.Release(InetAddress.FromV4(number));
                }
            }

            var first = start + (uint)random.Next(0, 300);
            var last = first + (uint)random.Next(0, 400);
            uint? expected = null;
            for (var number = last; number >= first && number > 0; number--)
                expected = (number & 255) != 255 && !taken.Contains(number) ? number : expected;
            Assert.Equal(expected, table.TryFindFree(first, last, out var found) ? found : null);
            Assert.Equal(taken.Count, table.Count);
        }
    }

    [Fact]
    public void Pools_are_used_in_their_order()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/16", "10.1.5.1", "10.1.5.1") with
        {
            Pools = [new(InetAddress.Parse("10.1.5.1"), InetAddress.Parse("10.1.5.1")), new(InetAddress.Parse("10.1.9.1"), InetAddress.Parse("10.1.9.9"))],
        });
        Assert.Equal("10.1.5.1", Assert.Single(AddressesOf(test.ConfigOf(TestController.Stranger(1)))).ToString());
        Assert.StartsWith("10.1.9.", Assert.Single(AddressesOf(test.ConfigOf(TestController.Stranger(2)))).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_given_by_hand_are_sent_with_the_length_of_the_most_specific_route()
    {
        var test = new TestController();
        var node = TestController.Stranger(1);
        test.SaveNetwork(network => network with
        {
            Routes = [new(InetPrefix.Parse("10.0.0.0/8"), default), new(InetPrefix.Parse("10.1.0.0/16"), default), new(InetPrefix.Parse("fd00:1::/64"), default)],
        });
        test.SaveMember(node, member => member with
        {
            IsAuthorized = true,
            Addresses = [InetAddress.Parse("10.1.2.3"), InetAddress.Parse("10.9.2.3"), InetAddress.Parse("172.16.0.1"), InetAddress.Parse("fd00:1::5")],
        });
        var config = test.ConfigOf(node);
        Assert.Equal(["10.1.2.3/16", "10.9.2.3/8", "fd00:1::5/64"], config.StaticAddresses.Select(address => address.ToString()));
        Assert.True(config.CertificatesOfOwnership[0].Owns(InetAddress.Parse("10.9.2.3")));
        Assert.False(config.CertificatesOfOwnership[0].Owns(InetAddress.Parse("172.16.0.1")));
    }

    [Fact]
    public void A_member_with_an_address_by_hand_takes_none_from_the_pool_unless_no_route_covers_it()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/24", "10.1.0.1", "10.1.0.9"));
        var (covered, uncovered) = (TestController.Stranger(1), TestController.Stranger(2));
        test.SaveMember(covered, member => member with { Addresses = [InetAddress.Parse("10.1.0.77")] });
        test.SaveMember(uncovered, member => member with { Addresses = [InetAddress.Parse("10.7.0.77")] });
        Assert.Equal(["10.1.0.77"], AddressesOf(test.ConfigOf(covered)).Select(address => address.ToString()));
        Assert.Single(AddressesOf(test.ConfigOf(uncovered)));
        Assert.Equal(2, test.Core.FindMember(test.NetworkId, uncovered.Address)!.Addresses.Count);
    }

    [Fact]
    public void No_automatic_addresses_means_none_of_any_kind()
    {
        var test = new TestController();
        test.SaveNetwork(network => Routed(network, "10.1.0.0/24", "10.1.0.1", "10.1.0.9") with { V6AssignMode = new V6AssignMode(true, true, true) });
        var node = TestController.Stranger(1);
        test.SaveMember(node, member => member with { NoAutoAssign = true });
        var config = test.ConfigOf(node);
        Assert.True(config.StaticAddresses.IsEmpty);
        Assert.True(config.CertificatesOfOwnership.IsEmpty);
        Assert.Equal(NetworkFlags.Broadcast, config.Flags);
    }

    [Fact]
    public void More_addresses_than_one_certificate_holds_are_certified_by_two()
    {
        var test = new TestController();
        var node = TestController.Stranger(1);
        test.SaveNetwork(network => network with { Routes = [new(InetPrefix.Parse("10.1.0.0/16"), default)], V6AssignMode = new V6AssignMode(true, null, true) });
        var addresses = Enumerable.Range(1, 30).Select(n => InetAddress.Parse($"10.1.0.{n}")).ToArray();
        test.SaveMember(node, member => member with { IsAuthorized = true, Addresses = addresses.ToEquatableArray() });
        var config = test.ConfigOf(node);
        Assert.Equal(32, config.StaticAddresses.Count);
        Assert.Equal([1u, 2u], config.CertificatesOfOwnership.Select(certificate => certificate.Id));
        Assert.All(config.StaticAddresses, prefix => Assert.Contains(config.CertificatesOfOwnership, certificate => certificate.Owns(prefix.Address) && certificate.Verify(test.Identity)));
    }

    [Theory]
    [InlineData("fd00:1::/64", "fd00:1::", "fd00:1::ffff:ffff:ffff:ffff", 40)]
    [InlineData("fd00:1::/64", "fd00:1::10", "fd00:1::19", 10)]
    [InlineData("fd00:1::/126", "fd00:1::", "fd00:1::3", 3)] // Without the subnet-router anycast address.
    [InlineData("fd00:1::/48", "fd00:1:0:7::", "fd00:1:0:9::", 40)]
    [InlineData("fd00:2::/64", "fd00:1::", "fd00:1::ffff", 0)]
    public void IPv6_pools_give_each_member_another_address(string route, string first, string last, int expected)
    {
        var test = new TestController();
        test.SaveNetwork(network => network with
        {
            IsPrivate = false,
            V6AssignMode = new V6AssignMode(null, true, null),
            Routes = [new(InetPrefix.Parse(route), default)],
            Pools = [new(InetAddress.Parse(first), InetAddress.Parse(last))],
        });
        var assigned = new HashSet<InetAddress>();
        for (var n = 1UL; n <= 40; n++)
            assigned.UnionWith(AddressesOf(test.ConfigOf(TestController.Stranger(n)), InetFamily.IPv6));
        Assert.Equal(expected, assigned.Count);
        Assert.All(assigned, address => Assert.True(InetPrefix.Parse(route).Contains(address)
            && address.CompareTo(InetAddress.Parse(first)) >= 0 && address.CompareTo(InetAddress.Parse(last)) <= 0));
    }

    [Fact]
    public void A_large_IPv6_pool_gives_a_member_the_address_of_its_number()
    {
        var test = new TestController();
        test.SaveNetwork(network => network with
        {
            IsPrivate = false,
            V6AssignMode = new V6AssignMode(null, true, null),
            Routes = [new(InetPrefix.Parse("fd00:1::/64"), default)],
            Pools = [new(InetAddress.Parse("fd00:1::"), InetAddress.Parse("fd00:1::ffff:ffff:ffff:ffff"))],
        });
        Assert.Equal("fd00:1::30:9519:79c5/64", Assert.Single(test.ConfigOf(TestController.Stranger(0x30951979c5)).StaticAddresses).ToString());
    }
}
