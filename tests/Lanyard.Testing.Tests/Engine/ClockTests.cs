using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Testing.Tests;

/// <summary>A controller's clock that was ahead and is set back: members apply its replies, and ignore replays of its old configurations.</summary>
public sealed class ClockTests
{
    private const long DaysAheadMs = 30L * 24 * 3_600_000;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NextRequests = TimeSpan.FromSeconds(70);

    private readonly Lan _lan = new();
    private SimulatedNode _a;
    private readonly SimulatedNode _b;
    private SimulatedPort _portA;
    private readonly SimulatedPort _portB;

    public ClockTests()
    {
        _lan.Controller.ClockOffsetMs = DaysAheadMs;
        _portA = _lan.AddMember(out _a);
        _portB = _lan.AddMember(out _b);
        Assert.True(_lan.Internet.RunUntil(() => _portA.IsUp && _portB.IsUp, Soon));
        Assert.True(_lan.Delivers(_a, _portA, _portB) && _lan.Delivers(_b, _portB, _portA, tries: 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Members_take_what_the_controller_answers_after_its_clock_was_set_back(bool restarts)
    {
        SetBack();
        if (restarts)
        {
            _a.Kill();
            _a = _a.Host.Start(_a.Node.Identity, _lan.Planet, state: _a.State);
            _portA = _a.Join(_lan.Network);
        }

        _lan.Internet.Run(NextRequests);
        Assert.Equal("renamed", _portA.Network.Config!.Name);
        Assert.Equal("renamed", _portB.Network.Config!.Name);
        Assert.True(_lan.Delivers(_a, _portA, _portB, tries: 2), "from A to B");
        Assert.True(_lan.Delivers(_b, _portB, _portA, tries: 2), "from B to A");
    }

    [Fact]
    public void A_pushed_configuration_that_is_older_makes_a_member_ask()
    {
        SetBack();
        Push(_lan.Controller.Configure(_lan.Internet.NowMs, _a.Node.Identity, _lan.Network));
        Assert.True(_lan.Internet.RunUntil(() => _portA.Network.Config!.Name == "renamed", TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void An_old_configuration_that_is_pushed_again_is_not_taken()
    {
        var old = _portA.Network.Config!;
        _lan.Controller.Customize = config => config with { Name = "renamed" };
        _lan.Internet.Run(NextRequests);
        Assert.Equal("renamed", _portA.Network.Config!.Name);
        var names = new HashSet<string>();
        for (var i = 0; i < 100; i++)
        {
            Push(old);
            _lan.Internet.Run(TimeSpan.FromMilliseconds(100));
            names.Add(_portA.Network.Config!.Name);
        }

        Assert.Equal(["renamed"], names);
    }

    [Fact]
    public void A_member_that_was_revoked_while_the_clock_was_ahead_can_come_back()
    {
        _lan.Controller.Refused.Add(_b.Address);
        _lan.Send(ControllerMessage.Revoke(_a.Address, new Revocation
        {
            Id = 1, NetworkId = _lan.Network, CredentialId = 0, CredentialType = CredentialType.Membership, Threshold = _lan.Internet.NowMs + DaysAheadMs, Target = _b.Address,
        }.Sign(_lan.Root.Node.Identity)));
        _lan.Internet.Run(TimeSpan.FromSeconds(1));
        Assert.False(_lan.Delivers(_b, _portB, _portA, tries: 2));
        SetBack();
        _lan.Internet.Run(NextRequests);
        Assert.False(_lan.Delivers(_b, _portB, _portA, tries: 2), "with what was revoked");
        _lan.Controller.Refused.Clear();
        _lan.Internet.Run(NextRequests);
        Assert.True(_lan.Delivers(_b, _portB, _portA, tries: 3), "with what was signed since");
    }

    private void SetBack()
    {
        _lan.Controller.ClockOffsetMs = 0;
        _lan.Controller.Customize = config => config with { Name = "renamed" };
    }

    private void Push(NetworkConfig config)
    {
        _lan.Send(ControllerMessage.Push(_a.Address, config));
    }
}
