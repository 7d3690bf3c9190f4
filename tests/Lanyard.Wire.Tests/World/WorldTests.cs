using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class WorldTests
{
    private static readonly WorldKey FirstKey = Key(1);
    private static readonly WorldKey SecondKey = Key(2);

    public static TheoryData<string> Recordings => [.. TestData.Recordings];

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recorded_planet_parses_and_is_written_byte_for_byte(string recording)
    {
        var bytes = TestData.Bytes(recording, "planet");
        Assert.True(World.TryParse(bytes, out var planet));
        Assert.Equal(WorldType.Planet, planet.Type);
        var root = Assert.Single(planet.Roots.ToArray());
        Assert.Equal(TestData.SecretIdentity(recording, "r"), root.Identity);
        Assert.True(root.Identity.Validate());
        Assert.Equal("10.99.0.1/9993", Assert.Single(root.Endpoints.ToArray()).ToSlashString());
        Assert.Equal(bytes, planet.ToArray());
        Assert.False(planet.IsSignedBy(planet.UpdateKey));
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recorded_moon_parses_is_signed_and_is_written_byte_for_byte(string recording)
    {
        var moon = RecordedMoon(recording, out var bytes);
        Assert.Equal(WorldType.Moon, moon.Type);
        Assert.Equal(TestData.SecretIdentity(recording, "r").Address.Value, moon.Id);
        Assert.True(moon.IsSignedBy(moon.UpdateKey));
        Assert.Equal(bytes, moon.ToArray());
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recorded_definition_makes_the_recorded_moon(string recording)
    {
        var recorded = RecordedMoon(recording, out _);
        Assert.True(WorldDefinition.TryParse(TestData.Text(recording, "moon.json"), out var definition, out var error), error);
        var moon = definition.Sign(recorded.Timestamp);
        // Ed25519 is deterministic: the signature is the same as well.
        Assert.Equal(recorded, moon);
        Assert.True(recorded.ShouldBeReplacedBy(definition.Sign(recorded.Timestamp + 1)));
        Assert.False(recorded.ShouldBeReplacedBy(moon));
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_definition_is_written_as_the_reference_tool_writes_it(string recording)
    {
        var text = TestData.Text(recording, "moon.json");
        Assert.True(WorldDefinition.TryParse(text, out var definition, out var error), error);
        // The recorded file's endpoint was put in by hand, on one line.
        var expected = text.Replace("[ \"10.99.0.1/9993\" ]", "[\n    \"10.99.0.1/9993\"\n   ]", StringComparison.Ordinal);
        Assert.Equal(expected, definition.ToJson());
    }

    [Fact]
    public void A_new_moon_begins_with_one_root_and_survives_its_JSON()
    {
        var root = TestData.SecretIdentity("peer-1.14", "r");
        using var moon = WorldDefinition.CreateMoon(root, new Random(5).NextBytes);
        Assert.Equal(root.Address.Value, moon.Id);
        Assert.DoesNotContain(root.ToSecretString()[^128..], moon.ToJson(), StringComparison.Ordinal);
        Assert.True(WorldDefinition.TryParse(moon.ToJson(), out var again, out var error), error);
        Assert.Equal(moon.ToJson(), again.ToJson());
        Assert.True(again.Sign(1).IsSignedBy(moon.UpdateKey));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("[]", "id")]
    [InlineData("{\"id\":\"00\"}", "id")]
    [InlineData("{\"id\":\"0102030405\",\"worldType\":\"sun\"}", "worldType")]
    [InlineData("{\"id\":\"0102030405\",\"worldType\":\"moon\",\"roots\":{}}", "roots")]
    [InlineData("{\"id\":\"0102030405\",\"worldType\":\"moon\",\"roots\":[3]}", "identity")]
    [InlineData("{\"id\":\"0102030405\",\"worldType\":\"moon\",\"roots\":[],\"signingKey_SECRET\":\"00\"}", "signingKey_SECRET")]
    [InlineData("{\"id\":\"\\ud800\"}", "")]
    public void A_bad_definition_is_refused_with_the_field_that_is_wrong(string json, string field)
    {
        Assert.False(WorldDefinition.TryParse(json, out _, out var error));
        Assert.Contains(field, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_newer_edition_with_the_right_signature_replaces_a_world()
    {
        var world = Make(1000, FirstKey, FirstKey);
        Assert.True(world.ShouldBeReplacedBy(Make(1001, SecondKey, FirstKey)));
        Assert.False(world.ShouldBeReplacedBy(Make(1000, FirstKey, FirstKey)));
        Assert.False(world.ShouldBeReplacedBy(Make(999, FirstKey, FirstKey)));
        Assert.False(world.ShouldBeReplacedBy(Make(1001, FirstKey, SecondKey)));
        Assert.False(world.ShouldBeReplacedBy(Make(1001, FirstKey, FirstKey, id: 6)));
        Assert.False(world.ShouldBeReplacedBy(Make(1001, FirstKey, FirstKey, type: WorldType.Planet)));
        var handedOver = Make(1001, SecondKey, FirstKey);
        Assert.True(handedOver.ShouldBeReplacedBy(Make(1002, SecondKey, SecondKey)));
        Assert.False(handedOver.ShouldBeReplacedBy(Make(1002, FirstKey, FirstKey)));
    }

    [Fact]
    public void A_world_of_the_greatest_size_survives()
    {
        var endpoints = Enumerable.Range(0, World.MaxEndpoints).Select(i => new InetEndpoint(InetAddress.FromV6(1, (ulong)i), 9993)).ToEquatableArray();
        var root = new WorldRoot(TestData.SecretIdentity("peer-1.14", "r").WithoutSecret(), endpoints);
        var world = World.Create(WorldType.Moon, 5, 6, FirstKey.PublicKey, [root, root, root, root], FirstKey);
        Assert.Equal(World.MaxLength, world.ToArray().Length);
        Assert.True(World.TryParse(world.ToArray(), out var again));
        Assert.Equal(world, again);
        Assert.True(again.IsSignedBy(FirstKey.PublicKey));
        Assert.Throws<ArgumentException>(() => World.Create(WorldType.Moon, 5, 6, FirstKey.PublicKey, [root, root, root, root, root], FirstKey));
    }

    [Fact]
    public void Hostile_worlds_are_refused_or_survive_being_written()
    {
        RecordedMoon("peer-1.14", out var bytes);
        foreach (var input in Fuzz.Around(11, bytes, 20_000))
        {
            if (World.TryParse(input, out var world))
                Assert.True(World.TryParse(world.ToArray(), out _));
        }
    }

    private static World RecordedMoon(string recording, out byte[] bytes)
    {
        bytes = TestData.Bytes(recording, $"000000{TestData.SecretIdentity(recording, "r").Address}.moon");
        Assert.True(World.TryParse(bytes, out var moon));
        return moon;
    }

    private static World Make(long timestamp, WorldKey updateKey, WorldKey signer, ulong id = 5, WorldType type = WorldType.Moon) =>
        World.Create(type, id, timestamp, updateKey.PublicKey, [new WorldRoot(TestData.SecretIdentity("peer-1.14", "r").WithoutSecret(), [])], signer);

    private static WorldKey Key(int seed) => WorldKey.Generate(new Random(seed).NextBytes);
}
