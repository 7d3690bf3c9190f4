using System.Reflection;
using System.Text.RegularExpressions;
using Lanyard.Engine;

namespace Lanyard.Architecture.Tests;

/// <summary>The two layers of the engine: peers (VL1) below, networks (VL2) above.</summary>
public sealed partial class EngineTests
{
    private static readonly string[] s_peerFolders = ["Packets", "Paths", "Peers", "Relay", "Roots"];
    private static readonly string[] s_networkFolders = ["Members", "Multicast", "Networks", "Rules"];
    private static readonly string[] s_networkVerbs = ["ConfigVerbs", "FrameVerbs", "MulticastVerbs", "NetworkVerbs"];

    // Types of the peers' layer that the networks' layer may hold: its interfaces.
    private static readonly string[] s_interfaces = ["IPeerLayer", "IPeerRoles"];

    private static IEnumerable<Type> Types => typeof(Node).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Lanyard.Engine", StringComparison.Ordinal) == true);

    [Fact]
    public void No_class_takes_the_node()
    {
        var wrong = Types.Where(type => type != typeof(Node) && type.DeclaringType != typeof(Node)).SelectMany(Uses).Where(use => use.Used == typeof(Node));
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_peers_layer_does_not_know_the_networks_layer()
    {
        var wrong = Types.Where(type => s_peerFolders.Contains(FolderOf(type))).SelectMany(Uses)
            .Where(use => s_networkFolders.Contains(FolderOf(use.Used)) || s_networkVerbs.Contains(use.Used.Name));
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_networks_layer_sees_the_peers_layer_through_an_interface()
    {
        var wrong = Types.Where(type => s_networkFolders.Contains(FolderOf(type)) || s_networkVerbs.Contains(type.Name)).SelectMany(Dependencies)
            .Where(use => s_peerFolders.Contains(FolderOf(use.Used)) && !s_interfaces.Contains(use.Used.Name));
        Assert.Empty(wrong);
    }

    [Fact]
    public void A_folder_is_a_namespace()
    {
        var root = Path.Combine(Product.Root, "src", "Lanyard.Engine");
        foreach (var file in Product.SourceFiles.Where(file => file.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
        {
            var folder = Path.GetRelativePath(root, Path.GetDirectoryName(file)!);
            Assert.Equal(folder == "." ? "Lanyard.Engine" : $"Lanyard.Engine.{folder}", Namespace().Match(File.ReadAllText(file)).Groups[1].Value);
        }
    }

    private static string FolderOf(Type type) => type.Namespace is { } name && name.StartsWith("Lanyard.Engine.", StringComparison.Ordinal) ? name["Lanyard.Engine.".Length..] : "";

    // What a type is given to keep: the parameters of its constructors.
    private static IEnumerable<(Type User, Type Used)> Dependencies(Type type) =>
        type.IsEnum || type.IsValueType || typeof(Delegate).IsAssignableFrom(type) ? [] : type.GetConstructors(Everything).SelectMany(constructor => constructor.GetParameters())
            .Where(parameter => !parameter.ParameterType.IsByRef && !parameter.ParameterType.IsValueType).Select(parameter => (type, parameter.ParameterType));

    private static IEnumerable<(Type User, Type Used)> Uses(Type type) =>
    [
        .. type.GetFields(Everything).Select(field => (type, field.FieldType)),
        .. type.GetConstructors(Everything).Concat<MethodBase>(type.GetMethods(Everything))
            .SelectMany(method => method.GetParameters()).Select(parameter => (type, parameter.ParameterType)),
    ];

    private static BindingFlags Everything => BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
