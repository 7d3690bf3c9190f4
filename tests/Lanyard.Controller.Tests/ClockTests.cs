using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>A controller whose machine's clock was wrong. Members keep the later of two credentials, so signed timestamps must never decrease.</summary>
public sealed class ClockTests : IDisposable
{
    private const long DayMs = 86_400_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("lanyard-controller-").FullName;
    private SqliteControllerStore? _store;

    public void Dispose()
    {
        _store?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Signed_timestamps_continue_after_the_clock_is_set_back(bool isRestarted)
    {
        var nowMs = new TestController().NowMs;
        var (node, other) = (TestController.Stranger(1), TestController.Stranger(2));
        var controller = Restart();
        controller.NowMs = nowMs + (30 * DayMs);
        controller.SaveNetwork(network => network);
        controller.Authorize(node);
        controller.Authorize(other);
        var before = controller.ConfigOf(node);
        if (isRestarted)
            controller = Restart();
        controller.NowMs = nowMs;

        var after = controller.ConfigOf(node);
        Assert.InRange(after.Timestamp, before.Timestamp + 1, before.Timestamp + 1_200_000);
        Assert.InRange(after.Membership!.Timestamp, before.Membership!.Timestamp + 1, long.MaxValue);
        Assert.True(after.Membership.AgreesWith(controller.ConfigOf(other).Membership!, other));

        // Configurations of one moment have one time: it runs no faster than the clock.
        var now = controller.ConfigOf(node).Timestamp;
        Assert.Equal(now, controller.AskNow(other).Message!.Config!.Timestamp);

        // A revocation counts for all that was signed before it, and not for what is signed after it.
        controller.Authorize(node, authorized: false);
        var revocation = controller.TakeMessages().Select(message => message.Revocation).First(revocation => revocation is not null)!;
        Assert.InRange(revocation.Threshold, after.Timestamp, long.MaxValue);
        controller.Authorize(node);
        Assert.InRange(controller.ConfigOf(node).Timestamp, revocation.Threshold + 1, long.MaxValue);

        // Once the clock has passed the latest time, it counts again.
        controller.NowMs = nowMs + (31 * DayMs);
        Assert.Equal(controller.NowMs + 2_000, controller.ConfigOf(node).Timestamp);
    }

    [Fact]
    public void A_restart_with_a_right_clock_signs_with_its_time()
    {
        var node = TestController.Stranger(1);
        var controller = Restart();
        controller.SaveNetwork(network => network);
        controller.Authorize(node);
        var nowMs = controller.ConfigOf(node).Timestamp;
        for (var restart = 0; restart < 3; restart++)
        {
            controller = Restart();
            controller.NowMs = nowMs;
            nowMs += 2_000;
            Assert.Equal(nowMs, controller.ConfigOf(node).Timestamp);
        }
    }

    private TestController Restart()
    {
        _store?.Dispose();
        _store = SqliteControllerStore.Open(Path.Combine(_folder, "controller.db"));
        return new TestController(store: _store);
    }
}
