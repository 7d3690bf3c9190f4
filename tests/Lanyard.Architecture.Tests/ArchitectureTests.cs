using System.Reflection;
using System.Runtime.CompilerServices;

namespace Lanyard.Architecture.Tests;

/// <summary>The rules of the architecture, checked on what is built.</summary>
public sealed class ArchitectureTests
{
    private const int MaxLines = 450;

    public static TheoryData<string> Projects => [.. Product.Projects];

    [Fact]
    public void The_table_of_rooms_names_every_project() =>
        Assert.Equal(Product.Projects, Product.ReadDocumentedReferences().Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_what_the_table_of_rooms_lets_it_use(string project) =>
        Assert.Equal(Product.Closure(project, Product.ReadDocumentedReferences()), Product.Closure(project, Product.ReadReferences()));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Internals_are_visible_to_tests_only(string project)
    {
        var friends = Assembly.Load(project).GetCustomAttributes<InternalsVisibleToAttribute>().Select(attribute => attribute.AssemblyName);
        Assert.All(friends, friend => Assert.True(
            friend is "Lanyard.Fuzz" || friend.EndsWith(".Tests", StringComparison.Ordinal), $"The internals of {project} are visible to {friend}."));
    }

    [Fact]
    public void No_two_types_have_the_same_simple_name()
    {
        var repeated = Product.Assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(type => !type.IsNested && type.Namespace?.StartsWith("Lanyard", StringComparison.Ordinal) == true && !type.IsDefined(typeof(CompilerGeneratedAttribute)))
            .GroupBy(type => type.Name).Where(group => group.Count() > 1)
            .Select(group => string.Join(", ", group.Select(type => type.FullName)));
        Assert.Empty(repeated);
    }

    [Fact]
    public void No_file_is_longer_than_can_be_read_at_once()
    {
        var tooLong = Product.SourceFiles.Select(file => (File: Path.GetRelativePath(Product.Root, file), Lines: File.ReadLines(file).Count())).Where(file => file.Lines >= MaxLines);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Protocol_rooms_have_no_socket_thread_or_clock_of_their_own()
    {
        string[] forbidden = ["System.Net.Sockets", "System.Threading.Thread", "System.IO.FileSystem", "System.Net.NetworkInformation"];
        foreach (var project in (string[])["Lanyard.Primitives", "Lanyard.Wire", "Lanyard.Engine", "Lanyard.NetStack"])
        {
            Assert.Empty(Assembly.Load(project).GetReferencedAssemblies().Select(name => name.Name).Intersect(forbidden));
        }
    }
}
