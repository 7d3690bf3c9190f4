using System.Globalization;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

public sealed class WorldCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public void A_moon_of_the_reference_tools_definition_is_the_reference_tools_moon_byte_for_byte(string recording)
    {
        var expected = File.ReadAllBytes(Directory.GetFiles(TestData.PathOf(recording), "*.moon").Single());
        Assert.True(World.TryParse(expected, out var moon));
        var run = CommandRun.Of(
            "moon", "new", "--definition", TestData.PathOf(recording, "moon.json"), "--timestamp", moon.Timestamp.ToString(CultureInfo.InvariantCulture), "--out", _folder.PathOf("moon"));
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(expected, File.ReadAllBytes(_folder.PathOf("moon")));
    }

    [Fact]
    public void A_new_moon_is_its_first_roots_and_signed()
    {
        var run = CommandRun.Of("moon", "new", "--root", Recorded("a"), "--endpoint", "192.0.2.1/9993", "--out", _folder.PathOf("moon"));
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        var moon = Read("moon");
        Assert.Equal(WorldType.Moon, moon.Type);
        Assert.Equal(moon.Roots[0].Identity.Address.Value, moon.Id);
        Assert.True(moon.IsSignedBy(moon.UpdateKey));
    }

    [Fact]
    public void A_planets_roots_have_the_endpoints_that_follow_them()
    {
        var run = CommandRun.Of(
            "planet", "new", "--root", Recorded("a"), "--endpoint", "192.0.2.1/9993", "2001:db8::1/9993", "--root", Recorded("b"), "--endpoint", "192.0.2.2/9", "--endpoint", "192.0.2.3/9",
            "--out", _folder.PathOf("planet"));
        Assert.True(run.ExitCode == ExitCode.Ok, run.Error);
        var planet = Read("planet");
        Assert.Equal(WorldType.Planet, planet.Type);
        Assert.True(planet.IsSignedBy(planet.UpdateKey));
        var endpoints = ((IEnumerable<WorldRoot>)planet.Roots).ToDictionary(root => root.Identity.ToString(), root => root.Endpoints);
        Assert.Equal([InetEndpoint.Parse("192.0.2.1/9993"), InetEndpoint.Parse("2001:db8::1/9993")], endpoints[TestData.Text("peer-1.14", "a.identity.public")]);
        Assert.Equal([InetEndpoint.Parse("192.0.2.2/9"), InetEndpoint.Parse("192.0.2.3/9")], endpoints[TestData.Text("peer-1.14", "b.identity.public")]);
        Assert.DoesNotContain(TestData.Text("peer-1.14", "a.identity.secret")[142..], File.ReadAllText(_folder.PathOf("planet.json")), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.PathOf("planet.json")));
    }

    [Fact]
    public void A_planet_made_again_is_an_edition_that_nodes_take_in_the_place_of_the_first()
    {
        string[] line = ["planet", "new", "--root", Recorded("a"), "--endpoint", "192.0.2.1/9993", "--out", _folder.PathOf("planet")];
        Assert.Equal(ExitCode.Ok, CommandRun.Of(line).ExitCode);
        var first = Read("planet");
        Assert.Equal(ExitCode.Ok, CommandRun.Of([.. line, "--endpoint", "192.0.2.7/9993"]).ExitCode);
        var second = Read("planet");
        Assert.True(first.ShouldBeReplacedBy(second));
        Assert.Equal(2, second.Roots[0].Endpoints.Count);
        Assert.Equal(ExitCode.Ok, CommandRun.Of("planet", "new", "--out", _folder.PathOf("planet")).ExitCode);
        Assert.True(second.ShouldBeReplacedBy(Read("planet")));
        Assert.Equal(second.Roots, Read("planet").Roots);
    }

    [Fact]
    public void A_planet_whose_key_is_not_there_is_not_overwritten()
    {
        File.WriteAllText(_folder.PathOf("planet"), "of somebody");
        var run = CommandRun.Of("planet", "new", "--root", Recorded("a"), "--endpoint", "192.0.2.1/9993", "--out", _folder.PathOf("planet"));
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Equal("of somebody", File.ReadAllText(_folder.PathOf("planet")));
    }

    [Theory]
    [InlineData("planet new --out {0}/p")]
    [InlineData("planet new --endpoint 192.0.2.1/9993 --out {0}/p")]
    [InlineData("planet new --root {1} --endpoint 192.0.2.1 --out {0}/p")]
    [InlineData("planet new --root {1} --root {1} --root {1} --root {1} --root {1} --out {0}/p")]
    [InlineData("moon new")]
    public void Worlds_that_cannot_be_are_explained(string line)
    {
        var run = CommandRun.Of(string.Format(CultureInfo.InvariantCulture, line, _folder.PathOf(), Recorded("a")).Split(' '));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.NotEmpty(run.Error);
        Assert.False(File.Exists(_folder.PathOf("p")));
    }

    private static string Recorded(string node) => TestData.PathOf("peer-1.14", $"{node}.identity.secret");

    private World Read(string file) => World.TryParse(File.ReadAllBytes(_folder.PathOf(file)), out var world) ? world : throw new InvalidDataException(file);
}
