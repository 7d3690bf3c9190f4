using System.Reflection;

namespace Lanyard.Architecture.Tests;

/// <summary>Checks the public API of the libraries.</summary>
public sealed class PublicApiTests
{
    private static readonly string[] InnerRooms = ["Lanyard.Wire", "Lanyard.Engine", "Lanyard.NetStack"];

    // The inner types that signatures of the SDK still mention. Remove an entry with its last mention; add none.
    private static readonly string[] Remaining =
    [
        "Lanyard.Engine.ControllerMessage", "Lanyard.Engine.INetworkController", "Lanyard.Engine.NodeCounters", "Lanyard.NetStack.CongestionAlgorithm",
        "Lanyard.NetStack.FrameOptions", "Lanyard.NetStack.HostCounters", "Lanyard.NetStack.HostLimits", "Lanyard.NetStack.TcpInfo", "Lanyard.NetStack.TcpOptions",
        "Lanyard.NetStack.UdpOptions", "Lanyard.Wire.EquatableArray`1", "Lanyard.Wire.Identity", "Lanyard.Wire.NetworkConfig", "Lanyard.Wire.NetworkDns",
        "Lanyard.Wire.NetworkRoute", "Lanyard.Wire.World",
    ];

    public static TheoryData<string> PublicRooms => ["Lanyard.AspNetCore", "Lanyard.Proxies"];

    [Theory]
    [MemberData(nameof(PublicRooms))]
    public void No_signature_mentions_a_type_of_an_inner_room(string room)
    {
        var mentions = Mentions(room).Select(mention => $"{mention.Member}: {mention.Type.FullName}").Distinct().Order(StringComparer.Ordinal);
        Assert.Empty(mentions);
    }

    [Fact]
    public void The_inner_types_that_the_SDK_mentions_get_fewer() =>
        Assert.Equal(Remaining, Mentions("Lanyard").Select(mention => $"{mention.Type.Namespace}.{mention.Type.Name}").Distinct().Order(StringComparer.Ordinal));

    private static IEnumerable<(string Member, Type Type)> Mentions(string room) => Assembly.Load(room).GetExportedTypes().SelectMany(Signatures)
        .SelectMany(signature => Parts(signature.Type).Where(type => InnerRooms.Contains(type.Assembly.GetName().Name)).Select(type => (signature.Member, type)));

    private static IEnumerable<(string Member, Type Type)> Signatures(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var types = new List<(string, Type)>();
        if (type.BaseType is { } parent)
            types.Add((type.FullName!, parent));
        types.AddRange(type.GetInterfaces().Select(contract => (type.FullName!, contract)));
        foreach (var member in type.GetMembers(all))
        {
            var name = $"{type.FullName}.{member.Name}";
            switch (member)
            {
                case MethodBase method when IsVisible(method):
                    types.AddRange(method.GetParameters().Select(parameter => (name, parameter.ParameterType)));
                    if (method is MethodInfo { ReturnType: var returned })
                        types.Add((name, returned));
                    break;
                case FieldInfo { IsPublic: true } or FieldInfo { IsFamily: true }:
                    types.Add((name, ((FieldInfo)member).FieldType));
                    break;
            }
        }

        return types;
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // A type with its element type and type arguments.
    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
            return Parts(type.GetElementType()!);
        return type.GetGenericArguments().SelectMany(Parts).Prepend(type);
    }
}
