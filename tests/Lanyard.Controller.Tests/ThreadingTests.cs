using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public sealed class ThreadingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lanyard-controller-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Requests_changes_and_messages_from_many_threads_leave_one_consistent_state()
    {
        var path = Path.Combine(_folder, "controller.db");
        IReadOnlyList<MemberRecord> members;
        using (var store = SqliteControllerStore.Open(path))
        {
            var test = new TestController(limits: new ControllerLimits { MinRequestInterval = TimeSpan.Zero }, store: store);
            test.SaveNetwork(network => network with
            {
                AssignV4FromPools = true,
                Routes = [new(InetPrefix.Parse("10.1.0.0/24"), default)],
                Pools = [new(InetAddress.Parse("10.1.0.1"), InetAddress.Parse("10.1.0.40"))],
            });
            var nodes = Enumerable.Range(1, 20).Select(n => TestController.Stranger((ulong)n)).ToArray();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => Work(test, nodes, worker))));
            members = test.Core.ListMembers(test.NetworkId)!;
            Assert.Equal(4 * 150UL, test.Core.FindNetwork(test.NetworkId)!.Revision - 1);
            Assert.Equal(members.Count(member => member.IsAuthorized), test.Core.CountMembers(test.NetworkId).Authorized);
            var addresses = members.SelectMany(member => member.Addresses.ToArray()).ToList();
            Assert.Equal(addresses.Count, addresses.Distinct().Count());
        }

        using var reopened = SqliteControllerStore.Open(path);
        Assert.Equal(members, reopened.Load().Members.OrderBy(member => member.Address));
    }

    // Each step raises the network's multicast limit by one, so that a lost change would show in the revision.
    private static void Work(TestController test, Identity[] nodes, int worker)
    {
        var random = new Random(worker);
        for (var step = 0; step < 150; step++)
        {
            var node = nodes[random.Next(nodes.Length)];
            test.SaveNetwork(network => network with { MulticastLimit = network.MulticastLimit + 1 });
            if (step % 3 == 0)
                test.SaveMember(node, member => member with { IsAuthorized = random.Next(4) > 0 });
            if (step % 5 == 0)
                test.Core.HandleRequest(new ConfigRequest(test.NowMs, node, default, test.NetworkId, TestController.Metadata, 1));
            if (step % 25 == 0)
                test.Core.DeleteMember(test.NowMs, test.NetworkId, node.Address);
            if (step % 5 == 0)
                test.Core.TryTakeMessage(test.NowMs, out _);
        }
    }
}
